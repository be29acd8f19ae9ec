import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import type { LauncherCondition, WantedJob } from "../../../../shared/messages.ts";
import { backoffMs, type BackoffTimes } from "../../../backoff.ts";
import { fairShares } from "../fair-share.ts";
import type { Launcher, LauncherEvents } from "../launcher.ts";
import { apiFailure, reasonOf } from "./api-error.ts";
import { ClusterApi, isInvalid } from "./cluster-api.ts";
import { ClusterView } from "./cluster-view.ts";
import { conditionsOf, generationOf, isFinished, refusalType, type KubernetesJob } from "./job-report.ts";
import { JobState } from "./job-state.ts";
import type { Leadership } from "./leader.ts";
import { LostPods } from "./lost-pods.ts";
import { jobManifest, secretManifest, type Generation } from "./manifests.ts";
import type { Outage } from "./outage.ts";
import { endOf, isEnded, jobIdOf, type Pod } from "./pod-report.ts";
import { refusalOf, type KubernetesSettings } from "./settings.ts";

/** In milliseconds. */
export type KubernetesTimes = {
  /** How long a job has more runners than it needs before it is scaled down: what becomes of it in a moment may need them. */
  readonly surplusMs: number;
  /** How long a finished Job is left before a job gets its next generation: most are finished because their job has ended. */
  readonly finishedMs: number;
  /** How long after its grace period a pod may take to go, before it is forgotten: its node is lost. */
  readonly lostMs: number;
  /** Between looks at what is being removed. */
  readonly removalMs: number;
  /** Between requests to an API server that fails. */
  readonly retry: BackoffTimes;
};

export const defaultTimes: KubernetesTimes = {
  surplusMs: 30_000,
  finishedMs: 3_000,
  lostMs: 30_000,
  removalMs: 500,
  retry: { floorMs: 1_000, stepMs: 1_000, capMs: 30_000 },
};

type KubernetesLauncherOptions = {
  readonly config: KubeConfig;
  readonly cluster: string;
  readonly workerUrl: string;
  readonly capacity: number;
  readonly settings: KubernetesSettings;
  readonly times: KubernetesTimes;
  readonly leadership: Leadership;
  readonly outage: Outage;
  readonly log: (text: string) => void;
};

/**
 * Starts runners as pods: for each job a Kubernetes Job of which the pods are a work queue, and a Secret with the job's token.
 * Level-triggered: whenever something may have changed, a job is brought closer to what is wanted by what is seen of it, and
 * every step can be repeated. The pods outlive the agent, which finds them again by their labels.
 */
export class KubernetesLauncher implements Launcher {
  readonly name = "kubernetes";
  readonly capacity: number;
  readonly #options: KubernetesLauncherOptions;
  readonly #events: LauncherEvents;
  readonly #api: ClusterApi;
  readonly #view: ClusterView;
  /** In the order of arrival. */
  readonly #jobs = new Map<string, JobState>();
  /** The uids of pods whose end was reported. */
  readonly #reported = new Set<string>();
  readonly #lost: LostPods;
  readonly #watching: Promise<void>;
  readonly #stopping = new AbortController();
  readonly #sweeper: NodeJS.Timeout;
  /** Whether this agent has led when it was last heard of. */
  #acts = true;

  constructor(options: KubernetesLauncherOptions, events: LauncherEvents) {
    this.#options = options;
    this.#events = events;
    this.capacity = options.capacity;
    const { config, cluster, settings, times, leadership, outage, log } = options;
    const namespace = settings.JOBS_NAMESPACE;
    this.#api = new ClusterApi(config, namespace, cluster, leadership);
    this.#view = new ClusterView({
      config,
      namespace,
      cluster,
      onChange: (jobId) => this.#changed(jobId),
      onPod: (pod) => {
        if (isEnded(pod)) this.#ended(pod);
      },
      onPodGone: (pod) => {
        this.#ended(pod);
        this.#reported.delete(pod.metadata.uid);
      },
      retry: times.retry,
      outage,
      log,
    });
    this.#lost = new LostPods(times.lostMs, () => performance.now());
    leadership.subscribe(() => this.#leadershipChanged());
    this.#watching = this.#view.start();
    this.#sweeper = setInterval(() => void this.#forgetLost(), times.lostMs / 3);
  }

  want(jobs: readonly WantedJob[]): void {
    const wanted = new Map(jobs.map((job) => [job.jobId, job]));
    for (const { jobId } of jobs) this.#stateOf(jobId);
    for (const state of this.#jobs.values()) state.wanted = wanted.get(state.jobId);
    // Of what is not wanted, nothing need be remembered; it is left alone until the Worker says that it must go.
    for (const [jobId, state] of this.#jobs) {
      if (state.wanted !== undefined || state.isRemoved) continue;
      state.cancel();
      this.#jobs.delete(jobId);
    }
    this.#share();
    for (const state of this.#jobs.values()) this.#sync(state);
    this.#leadershipChanged();
  }

  async remove(jobId: string): Promise<void> {
    const state = this.#stateOf(jobId);
    state.wanted = undefined;
    state.isRemoved = true;
    await state.exclusively(async () => this.#removeAll(state));
    if (!this.#stopping.signal.aborted) this.#jobs.delete(jobId);
    this.#share();
    for (const other of this.#jobs.values()) this.#sync(other);
  }

  /** Runners go on without the agent. */
  async stop(): Promise<void> {
    this.kill();
  }

  kill(): void {
    this.#stopping.abort();
    clearInterval(this.#sweeper);
    this.#view.stop();
    for (const state of this.#jobs.values()) state.cancel();
  }

  #stateOf(jobId: string): JobState {
    const known = this.#jobs.get(jobId);
    if (known !== undefined) return known;
    const state = new JobState(jobId);
    this.#jobs.set(jobId, state);
    return state;
  }

  #changed(jobId: string | undefined): void {
    for (const state of this.#jobs.values()) if (jobId === undefined || state.jobId === jobId) this.#sync(state);
  }

  /** What was missed while this agent did not lead is made up for; why it does not, its jobs say. */
  #leadershipChanged(): void {
    if (this.#stopping.signal.aborted) return;
    const { leads, failure } = this.#options.leadership;
    if (leads && this.#acts) return;
    this.#acts = leads;
    if (leads) {
      this.#view.retry();
      for (const state of this.#jobs.values()) state.failures = 0;
      this.#changed(undefined);
    } else if (failure !== undefined) {
      for (const state of this.#jobs.values()) this.#unavailable(state, failure);
    }
  }

  #unavailable(state: JobState, message: string): void {
    if (state.wanted !== undefined) state.report([{ type: "ClusterUnavailable", message }], this.#events);
  }

  /** Shares the capacity among the jobs. */
  #share(): void {
    const states = [...this.#jobs.values()].filter(({ wanted }) => wanted !== undefined);
    const claims = states.map((state) => ({ wanted: this.#wish(state.wanted), held: state.share, since: state.since }));
    const shares = fairShares(claims, this.capacity, { now: performance.now(), quantum: Infinity });
    for (const [index, state] of states.entries()) state.share = shares[index] ?? 0;
  }

  /** How many runners a job could use. A queue admits a job as a whole, so that one must ask for all that it will need. */
  #wish(wanted: WantedJob | undefined): number {
    if (wanted === undefined) return 0;
    return wanted.pods.queueName === undefined ? wanted.runners : (wanted.pods.parallelism ?? this.capacity);
  }

  /** Sees to a job, now or after what is being done for it. */
  #sync(state: JobState): void {
    if (this.#stopping.signal.aborted) return;
    state.soon(async () => {
      await this.#watching;
      const { wanted } = state;
      if (this.#stopping.signal.aborted || !this.#acts || wanted === undefined || state.refused) return;
      try {
        await this.#bring(state, wanted);
        state.failures = 0;
      } catch (error) {
        this.#troubled(state, error);
      }
    });
  }

  /** Brings a job a step closer to what is wanted. */
  async #bring(state: JobState, wanted: WantedJob): Promise<void> {
    const refusal = refusalOf(wanted.pods, this.#options.settings);
    if (refusal !== undefined) {
      state.refused = true;
      this.#events.failed(state.jobId, refusal);
      return;
    }
    const { jobId } = state;
    const jobs = this.#view.jobsOf(jobId).toSorted((a, b) => generationOf(b) - generationOf(a));
    const [current] = jobs;
    if (current === undefined || isFinished(current) || current.metadata.deletionTimestamp !== undefined) {
      await this.#next(state, wanted, current);
      return;
    }
    const generation = this.#generation(wanted, generationOf(current), state.share);
    // The agent may have ended between the two.
    if (!state.withSecret.has(current.metadata.uid)) await this.#createSecret(state, generation, current);
    await this.#scale(state, wanted, current);
    this.#tell(state, current);
  }

  /** Makes a job's next generation, if it may have runners. */
  async #next(state: JobState, wanted: WantedJob, last: KubernetesJob | undefined): Promise<void> {
    if (state.share === 0) {
      state.report([this.#noCapacity], this.#events);
      return;
    }
    const { finishedMs } = this.#options.times;
    if (last !== undefined && state.finishedFor(last.metadata.uid) < finishedMs) {
      state.again(finishedMs, () => this.#sync(state));
      return;
    }
    const number = last === undefined ? 1 : generationOf(last) + 1;
    // Without pods, as these need the Secret; but a queue must know how many there will be, and lets none start at first.
    const generation = this.#generation(wanted, number, wanted.pods.queueName === undefined ? 0 : state.share);
    const job = await this.#api.createJob(jobManifest(generation));
    state.failures = 0;
    if (job === undefined) return;
    await this.#createSecret(state, generation, job);
    await this.#scale(state, wanted, job);
  }

  async #createSecret(state: JobState, generation: Generation, job: KubernetesJob): Promise<void> {
    await this.#api.createSecret(secretManifest(generation, job));
    state.withSecret.add(job.metadata.uid);
    state.failures = 0;
  }

  /** More runners are started at once, fewer only when they have been too many for some time. */
  async #scale(state: JobState, wanted: WantedJob, job: KubernetesJob): Promise<void> {
    // A queue has admitted it with as many pods as it was made with.
    if (wanted.pods.queueName !== undefined) return;
    const { surplusMs } = this.#options.times;
    const now = job.spec.parallelism ?? 1;
    if (state.share >= now) state.surplusSince = undefined;
    if (state.share === now) return;
    if (state.share < now) {
      state.surplusSince ??= performance.now();
      const left = state.surplusSince + surplusMs - performance.now();
      if (left > 0) {
        state.again(left, () => this.#sync(state));
        return;
      }
    }
    await this.#api.scale(job.metadata.name, state.share);
  }

  #tell(state: JobState, job: KubernetesJob): void {
    const conditions = conditionsOf(job, this.#view.podsOf(state.jobId), this.#view.warnings());
    state.report(state.share === 0 ? [...conditions, this.#noCapacity] : conditions, this.#events);
  }

  get #noCapacity(): LauncherCondition {
    return { type: "NoCapacity", message: `All ${this.capacity} runners that RUNNERS allows are other jobs'.` };
  }

  #troubled(state: JobState, error: unknown): void {
    if (this.#stopping.signal.aborted || !this.#options.leadership.leads) return;
    const message = reasonOf(error);
    if (isInvalid(error)) {
      state.refused = true;
      this.#events.failed(state.jobId, { code: "InvalidPod", message });
      return;
    }
    const type = apiFailure(error)?.status === 403 ? refusalType(message) : "ClusterUnavailable";
    state.report([{ type, message }], this.#events);
    state.again(this.#pause(state), () => this.#sync(state));
  }

  #pause(state: JobState): number {
    return backoffMs(state.failures++, this.#options.times.retry);
  }

  #generation(wanted: WantedJob, number: number, parallelism: number): Generation {
    const { cluster, workerUrl, settings } = this.#options;
    const { jobId, token, pods } = wanted;
    return { cluster, workerUrl, settings, jobId, number, token, pods, parallelism };
  }

  /** Removes everything of a job, and looks until nothing is left. */
  async #removeAll(state: JobState): Promise<void> {
    const { signal } = this.#stopping;
    const { leadership, outage } = this.#options;
    const what = `the removal of job ${state.jobId}`;
    for (let left = true; left && !signal.aborted;) {
      try {
        left = !leadership.leads || (await this.#removeOnce(state));
        if (left) await sleep(this.#options.times.removalMs);
        outage.succeeded(what);
      } catch (error) {
        outage.failed(what, error);
        await sleep(this.#pause(state));
      }
    }
  }

  /** @returns whether something was left */
  async #removeOnce(state: JobState): Promise<boolean> {
    const jobs = await this.#api.jobsOf(state.jobId);
    for (const { metadata } of jobs) {
      if (metadata.deletionTimestamp === undefined) await this.#api.removeJob(metadata.name);
    }
    const pods = await this.#api.podsOf(state.jobId);
    return jobs.length > 0 || pods.length > 0;
  }

  #ended(pod: Pod): void {
    const jobId = jobIdOf(pod);
    if (jobId === undefined || this.#reported.has(pod.metadata.uid)) return;
    this.#reported.add(pod.metadata.uid);
    const { reason, failure } = endOf(pod);
    void this.#events.exited(jobId, pod.metadata.name, reason, failure);
  }

  /** A pod on a lost node never ends by itself, and nothing takes its place before it is gone. */
  async #forgetLost(): Promise<void> {
    if (!this.#options.leadership.leads) return;
    for (const pod of this.#lost.among(this.#view.pods())) {
      try {
        await this.#api.forgetPod(pod);
      } catch (error) {
        this.#options.log(`the lost pod ${pod.metadata.name} cannot be forgotten: ${reasonOf(error)}`);
      }
    }
  }
}

import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import type { WantedJob } from "../../../../shared/protocol/agent.ts";
import { Backoff, backoffMs, type BackoffTimes } from "../../../../shared/backoff.ts";
import { fairShares } from "../fair-share.ts";
import type { Launcher, LauncherEvents } from "../launcher.ts";
import type { RestartTimes } from "../restart-policy.ts";
import { apiFailure, reasonOf } from "./api-error.ts";
import { ClusterApi, isInvalid } from "./cluster-api.ts";
import { ClusterView } from "./cluster-view.ts";
import { refusalType } from "./job-report.ts";
import { JobState } from "./job-state.ts";
import type { Leadership } from "./leader.ts";
import { LostPods } from "./lost-pods.ts";
import type { Outage } from "./outage.ts";
import { endOf, generationOf, isCounted, isEnded, jobIdOf, type Pod } from "./pod-report.ts";
import { Reconciler } from "./reconciler.ts";
import type { KubernetesSettings } from "./settings.ts";

/** In milliseconds. */
export type KubernetesTimes = {
  /** How long a job keeps surplus runners before it is scaled down, because it may need them again shortly. */
  readonly surplusMs: number;
  /** How long to wait after a Job finished before its next generation: most finish because their job has ended. */
  readonly finishedMs: number;
  /** How long after its grace period a deleted pod may exist before its node counts as lost and the pod is forgotten. */
  readonly lostMs: number;
  /** The polling interval while a job is being removed. */
  readonly removalMs: number;
  /** The pauses before replacing pods that end as soon as they have started. */
  readonly restart: RestartTimes;
  /** The back-off between requests to a failing API server. */
  readonly retry: BackoffTimes;
};

export const defaultTimes: KubernetesTimes = {
  surplusMs: 30_000,
  finishedMs: 3_000,
  lostMs: 30_000,
  removalMs: 500,
  restart: { settleMs: 5_000, firstWaitMs: 1_000, longestWaitMs: 30_000 },
  retry: { floorMs: 1_000, stepMs: 1_000, capMs: 30_000 },
};

export type KubernetesLauncherOptions = {
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
 * Starts runners as pods: for each job a Kubernetes Job, whose pods form a work queue, and a Secret with the job's token.
 * Level-triggered: whenever something may have changed, the launcher reconciles a job's observed state with what is wanted, in
 * idempotent steps. The pods outlive the agent, which finds them again by their labels.
 */
export class KubernetesLauncher implements Launcher {
  readonly name = "kubernetes";
  readonly capacity: number;
  readonly #options: KubernetesLauncherOptions;
  readonly #events: LauncherEvents;
  readonly #api: ClusterApi;
  readonly #view: ClusterView;
  readonly #reconciler: Reconciler;
  /** In the order of arrival. */
  readonly #jobs = new Map<string, JobState>();
  /** The uids of pods whose end has been reported. */
  readonly #reported = new Set<string>();
  readonly #lost: LostPods;
  readonly #watching: Promise<void>;
  readonly #stopping = new AbortController();
  readonly #sweeper: NodeJS.Timeout;
  /** Whether this agent led when leadership was last checked. */
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
        else this.#stateOfPod(pod)?.restarts.seen(pod);
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
    this.#reconciler = new Reconciler({
      ...options,
      api: this.#api,
      view: this.#view,
      events,
      again: (state, ms) => state.again(ms, () => this.#sync(state)),
    });
    leadership.subscribe(() => this.#leadershipChanged());
    this.#watching = this.#view.start();
    this.#sweeper = setInterval(() => void this.#forgetLost(), times.lostMs / 3);
  }

  want(jobs: readonly WantedJob[]): void {
    const wanted = new Map(jobs.map((job) => [job.jobId, job]));
    for (const { jobId } of jobs) this.#stateOf(jobId);
    for (const state of this.#jobs.values()) state.want(wanted.get(state.jobId));
    // Nothing need be remembered about unwanted jobs. Their objects stay until the Worker asks to remove them.
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
    state.want(undefined);
    state.isRemoved = true;
    await state.exclusively(async () => this.#removeAll(state));
    if (!this.#stopping.signal.aborted) this.#jobs.delete(jobId);
    this.#share();
    for (const other of this.#jobs.values()) this.#sync(other);
  }

  /** Stops the launcher. Runners continue without the agent. */
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
    const state = new JobState(jobId, this.#options.times.restart);
    this.#jobs.set(jobId, state);
    return state;
  }

  #changed(jobId: string | undefined): void {
    for (const state of this.#jobs.values()) if (jobId === undefined || state.jobId === jobId) this.#sync(state);
  }

  /** After regaining leadership, catches up on what was missed; after losing it, reports the reason for each job. */
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

  /** Returns how many runners a job could use. A queue admits a job as a whole, so a queued job must request its maximum. */
  #wish(wanted: WantedJob | undefined): number {
    if (wanted === undefined) return 0;
    return wanted.pods.queueName === undefined ? wanted.runners : (wanted.pods.parallelism ?? this.capacity);
  }

  /** Reconciles a job, now or after what is currently running for it. */
  #sync(state: JobState): void {
    if (this.#stopping.signal.aborted) return;
    state.soon(async () => {
      await this.#watching;
      const { wanted } = state;
      if (this.#stopping.signal.aborted || !this.#acts || wanted === undefined || state.refused) return;
      try {
        await this.#reconciler.bring(state, wanted);
        state.failures = 0;
      } catch (error) {
        this.#troubled(state, error);
      }
    });
  }

  #troubled(state: JobState, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const pause = backoffMs(state.failures++, this.#options.times.retry);
    state.again(pause, () => this.#sync(state));
    // A lapse of leadership is not reported here, because it may be over before anyone hears of it.
    if (!this.#options.leadership.leads) return;
    const message = reasonOf(error);
    if (isInvalid(error)) {
      state.refused = true;
      this.#events.failed(state.jobId, { code: "InvalidPod", message });
      return;
    }
    const type = apiFailure(error)?.status === 403 ? refusalType(message) : "ClusterUnavailable";
    state.report([{ type, message }], this.#events);
  }

  /** Removes everything that belongs to a job, and polls until nothing is left. */
  async #removeAll(state: JobState): Promise<void> {
    const { signal } = this.#stopping;
    const { leadership, outage } = this.#options;
    const backoff = new Backoff(this.#options.times.retry);
    const what = `the removal of job ${state.jobId}`;
    for (let left = true; left && !signal.aborted;) {
      try {
        left = !leadership.leads || (await this.#removeOnce(state));
        if (left) await sleep(this.#options.times.removalMs);
        outage.succeeded(what);
        backoff.reset();
      } catch (error) {
        outage.failed(what, error);
        await sleep(backoff.next());
      }
    }
  }

  /** Deletes the job's Kubernetes Jobs. @returns whether anything was left before that */
  async #removeOnce(state: JobState): Promise<boolean> {
    const jobs = await this.#api.jobsOf(state.jobId);
    for (const { metadata } of jobs) {
      if (metadata.deletionTimestamp === undefined) await this.#api.removeJob(metadata.name);
    }
    const pods = await this.#api.podsOf(state.jobId);
    return jobs.length > 0 || pods.length > 0;
  }

  #stateOfPod(pod: Pod): JobState | undefined {
    return this.#jobs.get(jobIdOf(pod) ?? "");
  }

  #ended(pod: Pod): void {
    const jobId = jobIdOf(pod);
    if (jobId === undefined || this.#reported.has(pod.metadata.uid)) return;
    this.#reported.add(pod.metadata.uid);
    const end = endOf(pod);
    const state = this.#jobs.get(jobId);
    if (pod.status.phase !== "Succeeded" && isCounted(pod)) {
      state?.spent.add(generationOf(pod));
      // A failure caused by the task says nothing about how runners start.
      if (end.failure === undefined) state?.restarts.ended(pod);
    }
    state?.restarts.forget(pod);
    void this.#events.exited(jobId, pod.metadata.name, end);
  }

  /** Forgets pods on lost nodes. Such a pod never ends by itself, and is not replaced until it is gone. */
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

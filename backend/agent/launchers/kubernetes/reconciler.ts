import { performance } from "node:perf_hooks";
import type { LauncherCondition, WantedJob } from "../../../../shared/protocol/agent.ts";
import type { LauncherEvents } from "../launcher.ts";
import type { ClusterApi } from "./cluster-api.ts";
import type { ClusterView } from "./cluster-view.ts";
import { generationsOf, spread, staying, type GenerationState, type Spread } from "./generations.ts";
import { conditionsOf, type KubernetesJob } from "./job-report.ts";
import type { JobState } from "./job-state.ts";
import type { KubernetesLauncherOptions } from "./kubernetes.ts";
import { jobManifest, secretManifest, type Generation } from "./manifests.ts";
import { podsHash } from "./names.ts";
import { refusalOf } from "./settings.ts";
import { silenceOf, silentPods } from "./silent-nodes.ts";

/** How many generations without running pods to keep, so that the ends of their pods can be inspected. */
const mostEmpty = 3;

type ReconcilerOptions = Pick<
  KubernetesLauncherOptions,
  "cluster" | "workerUrl" | "settings" | "capacity" | "times"
> & {
  readonly api: ClusterApi;
  readonly view: ClusterView;
  readonly events: LauncherEvents;
  /** Reconciles a job again after `ms` milliseconds. */
  readonly again: (state: JobState, ms: number) => void;
};

/** Reconciles the cluster's objects of one job with what is wanted. Every step is idempotent. */
export class Reconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Reconciles a job once. @throws the API server's refusal, or an error if it cannot be reached */
  async bring(state: JobState, wanted: WantedJob): Promise<void> {
    const { view, events, settings } = this.#options;
    const refusal = refusalOf(wanted.pods, settings);
    if (refusal !== undefined) {
      state.refused = true;
      events.failed(state.jobId, refusal);
      return;
    }
    const pods = view.podsOf(state.jobId);
    const silent = silentPods(pods, view.warnings());
    const uids = new Set(silent.map(({ metadata }) => metadata.uid));
    const known = { spent: state.spent, silent: uids, podsHash: podsHash(wanted.pods) };
    const generations = generationsOf(view.jobsOf(state.jobId), pods, known);
    const [newest] = generations;
    // An earlier agent may have ended after it created the Job and before it created the Secret.
    if (newest !== undefined && !newest.isOver) await this.#ensureSecret(state, wanted, newest.job, newest.number);
    if (wanted.pods.queueName !== undefined) await this.#bringQueued(state, wanted, generations);
    else await this.#bringSpread(state, wanted, generations, spread(generations, state.share, uids));
    this.#tell(state, wanted, newest?.job, silenceOf(silent));
  }

  async #bringSpread(
    state: JobState,
    wanted: WantedJob,
    generations: readonly GenerationState[],
    { targets, missing }: Spread,
  ): Promise<void> {
    const pods = generations.flatMap((generation) => generation.pods);
    const allowance = state.restarts.allowance(pods);
    if (allowance.againIn !== undefined) this.#options.again(state, allowance.againIn);
    let isSurplus = false;
    for (const [generation, target] of targets) {
      const there = staying(generation).length;
      isSurplus ||= target < there;
      const most = there + allowance.pods;
      await this.#scale(state, generation.job, Math.min(target, Math.max(most, there)), target < there);
    }
    if (!isSurplus) state.surplusSince = undefined;
    if (missing > 0) await this.#next(state, wanted, generations[0], Math.min(missing, allowance.pods));
    await this.#removeEmpty(generations, mostEmpty);
  }

  /**
   * Reconciles a queued job. A queue admits a Job with the number of pods that it was created with, so replacing failed pods is
   * left to Kubernetes. Once no pod is left, the next generation replaces the Job, including its share of the queue.
   */
  async #bringQueued(state: JobState, wanted: WantedJob, generations: readonly GenerationState[]): Promise<void> {
    const [newest] = generations;
    await this.#removeEmpty(generations, 0);
    if (newest !== undefined && !newest.isOver && !(newest.isSpent && newest.pods.length === 0)) return;
    const { pods, againIn } = state.restarts.allowance([]);
    if (againIn !== undefined) this.#options.again(state, againIn);
    if (pods > 0) await this.#next(state, wanted, newest, state.share);
  }

  /** Creates a job's next generation, with `pods` pods. */
  async #next(state: JobState, wanted: WantedJob, newest: GenerationState | undefined, pods: number): Promise<void> {
    if (pods === 0) return;
    const { api, times, again } = this.#options;
    if (newest?.isOver === true) {
      const left = times.finishedMs - state.finishedFor(newest.job.metadata.uid);
      if (left > 0) {
        again(state, left);
        return;
      }
    }
    const number = (newest?.number ?? 0) + 1;
    const isQueued = wanted.pods.queueName !== undefined;
    // It starts without pods, because they need the Secret. A queue, however, must know their number, and starts none at first.
    const job = await api.createJob(jobManifest(this.#generation(wanted, number, isQueued ? pods : 0)));
    state.failures = 0;
    if (job === undefined) return;
    // That entry belongs to an earlier generation of the same number, which somebody removed.
    state.spent.delete(number);
    await this.#ensureSecret(state, wanted, job, number);
    if (!isQueued) await api.scale(job.metadata.name, pods);
  }

  async #ensureSecret(state: JobState, wanted: WantedJob, job: KubernetesJob, number: number): Promise<void> {
    if (state.withSecret.has(job.metadata.uid)) return;
    await this.#options.api.createSecret(secretManifest(this.#generation(wanted, number, 0), job));
    state.withSecret.add(job.metadata.uid);
    state.failures = 0;
  }

  /** Scales a Job: up immediately, but down only after there have been too many pods for `surplusMs`. */
  async #scale(state: JobState, job: KubernetesJob, target: number, endsPods: boolean): Promise<void> {
    const { api, times, again } = this.#options;
    if (target === (job.spec.parallelism ?? 1)) return;
    if (endsPods) {
      state.surplusSince ??= performance.now();
      const left = state.surplusSince + times.surplusMs - performance.now();
      if (left > 0) {
        again(state, left);
        return;
      }
    }
    await api.scale(job.metadata.name, target);
  }

  /** Removes the Jobs of older generations whose pods have all ended, except the newest `most`, and everything they own. */
  async #removeEmpty(generations: readonly GenerationState[], most: number): Promise<void> {
    const [, ...older] = generations;
    const empty = older.filter(({ pods, job }) => pods.length === 0 && job.metadata.deletionTimestamp === undefined);
    for (const { job } of empty.slice(most)) await this.#options.api.removeJob(job.metadata.name);
  }

  #tell(
    state: JobState,
    { runners }: WantedJob,
    job: KubernetesJob | undefined,
    silence: LauncherCondition | undefined,
  ): void {
    const { view, events } = this.#options;
    const pods = view.podsOf(state.jobId);
    const conditions = job === undefined ? [] : conditionsOf(job, pods, view.warnings(), state.restarts.isFailing);
    if (silence !== undefined) conditions.push(silence);
    if (runners > 0 && state.share === 0) conditions.push(this.#noCapacity);
    state.report(conditions, events);
  }

  get #noCapacity(): LauncherCondition {
    return {
      type: "NoCapacity",
      message: `All ${this.#options.capacity} runners that RUNNERS allows are other jobs'.`,
    };
  }

  #generation(wanted: WantedJob, number: number, parallelism: number): Generation {
    const { cluster, workerUrl, settings } = this.#options;
    const { jobId, token, pods } = wanted;
    return { cluster, workerUrl, settings, jobId, number, token, pods, parallelism };
  }
}

import type { Deletion } from "./deletion.ts";
import type { Change } from "./history.ts";
import { conditionOf, finishedAt, isFinished, setCondition, type Why } from "./job-conditions.ts";
import { isTracked, type JobPods } from "./job-pods.ts";
import type { Job, JobStatus } from "./job-schemas.ts";
import type { Pod } from "./object-schemas.ts";
import { controllerOf } from "./owners.ts";
import { verdictOn } from "./pod-failure-policy.ts";
import { inOrderOfRemoval } from "./pod-ranking.ts";
import { hasEnded, hasFailed, hasSucceeded, isBeingDeleted, isReady } from "./pods.ts";
import { ReplacementDelay } from "./replacement-delay.ts";
import type { Store } from "./store.ts";
import { timestamp } from "./time.ts";
import { WorkQueue } from "./work-queue.ts";

const completed: Why = { reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
const lateMessage = "Job was active longer than specified deadline";

/**
 * Runs Jobs: counts pods that have ended, decides whether a Job has failed or is complete, and creates and deletes pods until
 * there are as many as wanted. A Job without `completions` is a work queue: after a pod has succeeded, no more are created, and
 * the Job is complete when all have ended.
 */
export class JobController {
  readonly #store: Store;
  readonly #pods: JobPods;
  readonly #deletion: Deletion;
  readonly #delay: ReplacementDelay;
  readonly #queue: WorkQueue;

  constructor(
    { store, pods, deletion }: { readonly store: Store; readonly pods: JobPods; readonly deletion: Deletion },
    delayMs: number,
    report: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#pods = pods;
    this.#deletion = deletion;
    this.#delay = new ReplacementDelay(delayMs);
    this.#queue = new WorkQueue((uid) => this.#sync(uid), report);
    store.subscribe((change) => this.#note(change));
  }

  stop(): void {
    this.#queue.stop();
  }

  #note({ plural, before, after }: Change): void {
    const object = after ?? before;
    if (object === undefined) return;
    if (plural === "jobs") this.#queue.add(object.metadata.uid);
    else if (plural === "pods") {
      const owner = controllerOf(object) ?? (before === undefined ? undefined : controllerOf(before));
      if (owner !== undefined) this.#queue.add(owner.uid);
    }
  }

  #sync(uid: string): void {
    for (const pod of this.#pods.orphans()) this.#pods.release(pod);
    const job = this.#store.list("jobs").find(({ metadata }) => metadata.uid === uid);
    if (job === undefined) this.#delay.forget(uid);
    else if (isFinished(job)) this.#expire(job);
    else this.#run(job);
  }

  /** Deletes a finished Job when its TTL has passed. */
  #expire(job: Job): void {
    for (const pod of this.#pods.of(job)) if (hasEnded(pod)) this.#pods.release(pod);
    const { ttlSecondsAfterFinished: ttl } = job.spec;
    if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return;
    const left = (finishedAt(job) ?? 0) + ttl * 1000 - Date.now();
    if (left > 0) this.#queue.add(job.metadata.uid, left);
    else this.#deletion.delete("jobs", job, { propagationPolicy: "Foreground" });
  }

  #run(job: Job): void {
    const status = structuredClone(job.status);
    const isNew = status.startTime === undefined;
    if (isNew && !job.spec.suspend) status.startTime = timestamp();
    const all = this.#pods.of(job);
    const counted = all.filter((pod) => isTracked(pod) && this.#hasCounted(job, pod));
    const failure = this.#count(job, status, counted);
    const active = all.filter((pod) => !hasEnded(pod) && !isBeingDeleted(pod));
    if (failure !== undefined) {
      setCondition(status, "FailureTarget", "True", failure);
      // They are counted at once, although they have not ended yet.
      const tracked = all.filter((pod) => isTracked(pod) && !counted.includes(pod) && !hasSucceeded(pod));
      status.failed = (status.failed ?? 0) + tracked.length;
      for (const pod of tracked) this.#pods.release(pod);
      this.#pods.remove(job, active);
    } else if (isComplete(job, status, active)) {
      setCondition(status, "SuccessCriteriaMet", "True", completed);
      this.#pods.remove(job, active);
    } else if (job.metadata.deletionTimestamp === undefined) this.#scale(job, status, active);
    this.#finish(job, status);
    for (const pod of counted) this.#pods.release(pod);
  }

  /** Whether to count a pod's end now. */
  #hasCounted({ spec }: Job, pod: Pod): boolean {
    return hasEnded(pod) || (spec.podReplacementPolicy !== "Failed" && isBeingDeleted(pod));
  }

  /** Counts pods that have ended. @returns why the Job has failed, if it has */
  #count(job: Job, status: JobStatus, pods: readonly Pod[]): Why | undefined {
    const { uid } = job.metadata;
    let fatal: Why | undefined;
    for (const pod of pods) {
      if (hasSucceeded(pod)) {
        status.succeeded = (status.succeeded ?? 0) + 1;
        this.#delay.succeeded(uid);
        continue;
      }
      const verdict = hasFailed(pod) ? verdictOn(pod, job) : { action: "Count" as const };
      this.#delay.failed(uid);
      if (verdict.action !== "Ignore") status.failed = (status.failed ?? 0) + 1;
      if (verdict.action === "FailJob") fatal ??= { reason: "PodFailurePolicy", message: verdict.message };
    }
    const earlier = conditionOf(status, "FailureTarget");
    if (earlier !== undefined) return { reason: earlier.reason ?? "", message: earlier.message ?? "" };
    if (fatal !== undefined) return fatal;
    if ((status.failed ?? 0) > job.spec.backoffLimit)
      return { reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
    return this.#isLate(job, status) ? { reason: "DeadlineExceeded", message: lateMessage } : undefined;
  }

  #isLate({ metadata, spec: { activeDeadlineSeconds, suspend } }: Job, { startTime }: JobStatus): boolean {
    if (activeDeadlineSeconds === undefined || suspend || startTime === undefined) return false;
    const left = Date.parse(startTime) + activeDeadlineSeconds * 1000 - Date.now();
    if (left > 0) this.#queue.add(metadata.uid, left);
    return left <= 0;
  }

  #scale(job: Job, status: JobStatus, active: readonly Pod[]): void {
    if (job.spec.suspend) {
      this.#pods.remove(job, active);
      if (conditionOf(status, "Suspended") === undefined)
        this.#pods.record(job, "Normal", "Suspended", "Job suspended");
      setCondition(status, "Suspended", "True", { reason: "JobSuspended", message: "Job suspended" });
      delete status.startTime;
      return;
    }
    if (conditionOf(status, "Suspended") !== undefined) {
      setCondition(status, "Suspended", "False", { reason: "JobResumed", message: "Job resumed" });
      this.#pods.record(job, "Normal", "Resumed", "Job resumed");
    }
    const wanted = wantedPods(job, status, active.length);
    if (active.length > wanted) this.#pods.remove(job, inOrderOfRemoval(active).slice(0, active.length - wanted));
    else this.#create(job, wanted - active.length);
  }

  #create(job: Job, count: number): void {
    const { uid } = job.metadata;
    const terminating = this.#pods.of(job).filter((pod) => isBeingDeleted(pod) && !hasEnded(pod)).length;
    const missing = job.spec.podReplacementPolicy === "Failed" ? count - terminating : count;
    if (missing <= 0) return;
    const left = this.#delay.left(uid);
    if (left > 0) {
      this.#queue.add(uid, left);
      return;
    }
    for (let created = 0; created < missing; created += 1) {
      if (this.#pods.create(job)) continue;
      this.#queue.add(uid, this.#delay.refused(uid));
      return;
    }
    this.#delay.created(uid);
  }

  /** Finishes the Job if none of its pods is running any more, and stores its status. */
  #finish(job: Job, status: JobStatus): void {
    const running = this.#pods.of(job).filter((pod) => !hasEnded(pod));
    const active = running.filter((pod) => !isBeingDeleted(pod));
    status.terminating = running.length - active.length;
    status.ready = active.filter(isReady).length;
    status["uncountedTerminatedPods"] = {};
    if (active.length > 0) status.active = active.length;
    else delete status.active;
    const failure = conditionOf(status, "FailureTarget");
    const success = conditionOf(status, "SuccessCriteriaMet");
    if (running.length === 0 && failure !== undefined) {
      const { reason = "", message = "" } = failure;
      setCondition(status, "Failed", "True", { reason, message });
      this.#pods.record(job, "Warning", reason, message);
    } else if (running.length === 0 && success !== undefined) {
      setCondition(status, "Complete", "True", completed);
      status.completionTime = timestamp();
      this.#pods.record(job, "Normal", "Completed", "Job completed");
    }
    this.#store.edit("jobs", job, (draft) => {
      draft.status = status;
    });
  }
}

const isComplete = ({ spec: { completions } }: Job, status: JobStatus, active: readonly Pod[]): boolean => {
  const succeeded = status.succeeded ?? 0;
  if (conditionOf(status, "SuccessCriteriaMet") !== undefined) return true;
  return completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions;
};

const wantedPods = ({ spec: { completions, parallelism } }: Job, status: JobStatus, active: number): number => {
  const succeeded = status.succeeded ?? 0;
  if (completions !== undefined) return Math.min(parallelism, completions - succeeded);
  return succeeded > 0 ? active : parallelism;
};

import { generationOf, isFinished, type KubernetesJob } from "./job-report.ts";
import { podsLabel } from "./names.ts";
import { generationOf as generationOfPod, isCounted, isEnded, isReady, type Pod } from "./pod-report.ts";

/**
 * A generation of a job, one Kubernetes Job and its pods. The functions here spread a job's runners over its generations. Pure.
 *
 * Kubernetes waits 10 s before it replaces a failed pod of a Job, and twice as long after each further failure. A generation in
 * which a pod has failed is therefore *spent*: it keeps its pods, and the next generation starts the missing ones. A generation
 * is also spent if its pods no longer match what the job wants.
 */
export type GenerationState = {
  readonly number: number;
  readonly job: KubernetesJob;
  /** The pods that have not ended. */
  readonly pods: readonly Pod[];
  /** Whether it can start no more pods, because it has finished or is being deleted. */
  readonly isOver: boolean;
  readonly isSpent: boolean;
};

/** What is known in addition to the Jobs and the pods themselves. */
type Knowledge = {
  /** The generations in which a pod has failed, even if that pod no longer exists. */
  readonly spent: ReadonlySet<number>;
  /** The uids of pods on unresponsive nodes. */
  readonly silent: ReadonlySet<string>;
  /** The `podsHash` of the pods that the job wants now. */
  readonly podsHash: string;
};

/** Returns a job's generations, the newest first. */
export const generationsOf = (
  jobs: readonly KubernetesJob[],
  pods: readonly Pod[],
  { spent, silent, podsHash }: Knowledge,
): GenerationState[] =>
  jobs
    .map((job) => {
      const number = generationOf(job);
      const own = pods.filter((pod) => generationOfPod(pod) === number);
      const hasFailed = own.some((pod) => pod.status.phase === "Failed" && isCounted(pod));
      return {
        number,
        job,
        pods: own.filter((pod) => !isEnded(pod)),
        isOver: isFinished(job) || job.metadata.deletionTimestamp !== undefined,
        isSpent:
          spent.has(number) ||
          // Jobs of an earlier release lack the label.
          (job.metadata.labels[podsLabel] ?? podsHash) !== podsHash ||
          hasFailed ||
          (job.status.failed ?? 0) > 0 ||
          own.some((pod) => !isEnded(pod) && silent.has(pod.metadata.uid)),
      };
    })
    .toSorted((a, b) => b.number - a.number);

/** The target `parallelism` of each generation, and the number of pods that a new generation must start. */
export type Spread = { readonly targets: ReadonlyMap<GenerationState, number>; readonly missing: number };

/**
 * Spreads `share` runners over the generations. Only the newest one grows, as long as it is not spent.
 * @param generations the newest first
 * @param silent the uids of pods that do not count; replacements are to run beside them
 */
export const spread = (generations: readonly GenerationState[], share: number, silent: ReadonlySet<string>): Spread => {
  const [newest, ...older] = generations;
  const growing = newest !== undefined && !newest.isOver && !newest.isSpent ? newest : undefined;
  const kept = (growing === undefined ? generations : older).filter(({ isOver }) => !isOver);
  const counting = generations
    .filter((generation) => generation !== growing)
    .flatMap(({ pods }) => pods.filter(({ metadata }) => !silent.has(metadata.uid)));
  const missing = share - counting.length;
  const targets = new Map(kept.map((generation) => [generation, staying(generation).length]));
  if (missing < 0) reduce(targets, -missing, silent);
  if (growing !== undefined) targets.set(growing, Math.max(0, missing));
  return { targets, missing: growing === undefined ? Math.max(0, missing) : 0 };
};

/** Returns the pods that their Job counts, which excludes those being deleted. */
export const staying = ({ pods }: GenerationState): Pod[] =>
  pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);

/** Lowers the targets by `surplus` pods. Counts pods without a task first, because Kubernetes ends those first, too. */
const reduce = (targets: Map<GenerationState, number>, surplus: number, silent: ReadonlySet<string>): void => {
  let left = surplus;
  for (const isGoing of [(pod: Pod) => !isReady(pod), isReady]) {
    for (const [generation, target] of targets) {
      const going = staying(generation).filter((pod) => isGoing(pod) && !silent.has(pod.metadata.uid)).length;
      const taken = Math.min(left, going, target);
      targets.set(generation, target - taken);
      left -= taken;
    }
  }
};

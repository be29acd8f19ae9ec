import { generationOf, isFinished, type KubernetesJob } from "./job-report.ts";
import { podsLabel } from "./names.ts";
import { generationOf as generationOfPod, isCounted, isEnded, isReady, type Pod } from "./pod-report.ts";

/**
 * How a job's runners are spread over its generations. Pure.
 *
 * Kubernetes waits 10 s before it replaces a pod of a Job that has failed, and twice as long after each further one. So a
 * generation in which a pod has failed is *spent*: it keeps the pods that it has, and what is missing is started by the next one.
 * So is one whose pods are not as the job wants them now.
 */
export type GenerationState = {
  readonly number: number;
  readonly job: KubernetesJob;
  /** Those that have not ended. */
  readonly pods: readonly Pod[];
  /** It can start no more pods: it has finished, or is being deleted. */
  readonly isOver: boolean;
  readonly isSpent: boolean;
};

/** What is known besides what the Jobs and the pods themselves say. */
type Knowledge = {
  /** Generations of which a pod has failed that may be gone by now. */
  readonly spent: ReadonlySet<number>;
  /** The uids of pods on nodes that do not answer. */
  readonly silent: ReadonlySet<string>;
  /** Of the pods that the job wants now (`podsHash`). */
  readonly podsHash: string;
};

/** The newest first. */
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
          // Those of an earlier release do not say.
          (job.metadata.labels[podsLabel] ?? podsHash) !== podsHash ||
          hasFailed ||
          (job.status.failed ?? 0) > 0 ||
          own.some((pod) => !isEnded(pod) && silent.has(pod.metadata.uid)),
      };
    })
    .toSorted((a, b) => b.number - a.number);

/** What `parallelism` each generation is to have, and how many pods a new one is to begin with. */
export type Spread = { readonly targets: ReadonlyMap<GenerationState, number>; readonly missing: number };

/**
 * Spreads `share` runners over the generations, the newest of which grows as long as it is not spent.
 * @param generations the newest first
 * @param silent the uids of pods that do not count: others are to take their place beside them
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

/** The pods that their Job counts: not those that are being deleted. */
export const staying = ({ pods }: GenerationState): Pod[] =>
  pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);

/** Takes pods away: those first that have no task, which Kubernetes ends first, too. */
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

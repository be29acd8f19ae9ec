import type { Pod } from "./object-schemas.ts";
import { isReady } from "./pods.ts";

/** Those that are removed first have the smaller numbers: not scheduled, pending, not ready. */
const ranksOf = (pod: Pod): number[] => [
  pod.spec.nodeName === undefined ? 0 : 1,
  pod.status.phase === "Pending" ? 0 : 1,
  isReady(pod) ? 1 : 0,
];

/** Pods, given in the order of their creation, in the order in which fewer of them are made: else the youngest first. */
export const inOrderOfRemoval = (pods: readonly Pod[]): Pod[] =>
  pods.toReversed().sort((one, other) => {
    const others = ranksOf(other);
    return (
      ranksOf(one)
        .map((rank, index) => rank - (others[index] ?? 0))
        .find((difference) => difference !== 0) ?? 0
    );
  });

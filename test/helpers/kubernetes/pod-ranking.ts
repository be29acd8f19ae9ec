import type { Pod } from "./object-schemas.ts";
import { isReady } from "./pods.ts";

/** Pods with smaller numbers are removed first: not scheduled, pending, not ready. */
const ranksOf = (pod: Pod): number[] => [
  pod.spec.nodeName === undefined ? 0 : 1,
  pod.status.phase === "Pending" ? 0 : 1,
  isReady(pod) ? 1 : 0,
];

/** The order in which surplus pods are removed, with the youngest first among equals. Takes pods in order of creation. */
export const inOrderOfRemoval = (pods: readonly Pod[]): Pod[] =>
  pods.toReversed().sort((one, other) => {
    const others = ranksOf(other);
    return (
      ranksOf(one)
        .map((rank, index) => rank - (others[index] ?? 0))
        .find((difference) => difference !== 0) ?? 0
    );
  });

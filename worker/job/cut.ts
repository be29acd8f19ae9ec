import { maxTasks } from "../../shared/limits.ts";
import { defaultSplitSize, planMaps } from "../../shared/splits.ts";
import type { MapInput } from "../../shared/protocol/tasks.ts";
import type { JobStore } from "./store.ts";

/** How an input is cut into maps. */
type Cut = {
  /** Of the whole input, as stored. */
  readonly bytes: number;
  readonly splitSize: number;
  /** What each map reads. */
  readonly maps: Iterable<MapInput>;
};

/** How the input that the attempt `plan` has listed is to be cut. */
export const cutOf = (store: JobStore, plan: string): Cut => {
  const bytes = store.planned.bytes(plan);
  const { request } = store.spec();
  const splitSize = request.splitSize ?? defaultSplitSize(bytes);
  const { combineInputs, inputCompression } = request;
  return { bytes, splitSize, maps: planMaps(store.planned.objects(plan), splitSize, combineInputs, inputCompression) };
};

/** How many maps there are, counted no further than to one more than a job may have: there may be billions. */
export const countMaps = ({ maps }: Cut): number => {
  let count = 0;
  for (const _ of maps) if (++count > maxTasks) break;
  return count;
};

/** Most segments of a job, maps times reduces: their index takes 8 bytes each, and an object holds 10 GB. */
const maxSegments = 500_000_000;

/** Why the job has too many tasks, or undefined when it has not. */
export const tooManyTasks = ({ splitSize, bytes }: Cut, maps: number, nReducers: number): string | undefined => {
  const count = maps > maxTasks ? `more than ${maxTasks}` : maps;
  const size =
    `The input of ${bytes} bytes makes ${count} maps at a splitSize of ${splitSize} bytes, and there are ` +
    `${nReducers} reduces;`;
  if (maps + nReducers > maxTasks) return `${size} a job has at most ${maxTasks} tasks. Choose a larger splitSize.`;
  if (maps * nReducers > maxSegments) {
    return `${size} maps times reduces must be at most ${maxSegments}. Choose a larger splitSize or a smaller nReducers.`;
  }
  return undefined;
};

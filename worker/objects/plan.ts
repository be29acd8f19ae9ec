import { maxTasks } from "../../shared/limits.ts";
import { defaultSplitSize, planMaps } from "../../shared/splits.ts";
import type { JobStore } from "./job-store.ts";

export type Measure = {
  /** Of the whole input, as stored. */
  readonly bytes: number;
  readonly splitSize: number;
  /** Whether a map may read several objects. */
  readonly combine: boolean;
  /** Counted no further than to one more than a job may have: there may be billions. */
  readonly maps: number;
};

/** How the input that the attempt `plan` has listed is to be cut. */
export const measure = (store: JobStore, plan: string): Measure => {
  let bytes = 0;
  for (const { size } of store.planned(plan)) bytes += size;
  const { request } = store.spec();
  const splitSize = request.splitSize ?? defaultSplitSize(bytes);
  const combine = request.combineInputs;
  let maps = 0;
  for (const _ of planMaps(store.planned(plan), splitSize, combine)) if (++maps > maxTasks) break;
  return { bytes, splitSize, combine, maps };
};

/** Most segments of a job, maps times reduces: their index takes 8 bytes each, and an object holds 10 GB. */
const maxSegments = 500_000_000;

/** Why the job has too many tasks, or undefined when it has not. */
export const tooManyTasks = ({ maps, splitSize, bytes }: Measure, nReducers: number): string | undefined => {
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

import { maxTasks } from "../../shared/limits.ts";
import { defaultSplitSize, planMaps } from "../../shared/splits.ts";
import type { MapInput, PlannedObject } from "../../shared/protocol/tasks.ts";
import type { JobStore } from "./store.ts";
import type { Creation } from "./tables/creation.ts";
import type { Place } from "./tables/planned-input.ts";

/** How an input is cut into maps. */
type Cut = {
  /** Of the whole input, as stored. */
  readonly bytes: number;
  readonly splitSize: number;
  /** What each map reads, and where the one after it begins. */
  readonly maps: Iterable<PlannedMap>;
};

type PlannedMap = { readonly input: MapInput; readonly next: Creation };

/** Before the first map of the input that the attempt `plan` has listed. */
export const beginCreation = (plan: string): Creation => ({ plan, next: 0, page: 0, part: 0, at: 0, start: 0 });

/** How the rest of a listed input is to be cut, from `creation` on. @param bytes of the whole input, as stored */
export const cutFrom = (store: JobStore, creation: Creation, bytes: number): Cut => {
  const splitSize = store.job.spec().request.splitSize ?? defaultSplitSize(bytes);
  return { bytes, splitSize, maps: cutMaps(store, creation, splitSize) };
};

function* cutMaps(store: JobStore, creation: Creation, splitSize: number): Generator<PlannedMap> {
  const { combineInputs, inputCompression } = store.job.spec().request;
  // Of the objects that are being cut: one may be read ahead of the map that is made.
  const places: Place[] = [];
  const objects = function* (): Generator<PlannedObject> {
    for (const [object, place] of store.planned.objects(creation.plan, creation)) {
      places.push(place);
      yield object;
    }
  };
  let { next } = creation;
  for (const input of planMaps(objects(), splitSize, combineInputs, inputCompression, creation.start)) {
    next++;
    let after = { ...creation, next };
    for (const { end, size } of input) {
      const [place] = places;
      if (place === undefined) throw new Error("a map reads an object that was not listed");
      after = end < size ? { ...after, ...place, start: end } : { ...after, ...place, at: place.at + 1, start: 0 };
      if (end === size) places.shift();
    }
    yield { input, next: after };
  }
}

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

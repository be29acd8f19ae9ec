import { newTask } from "../../shared/engine/machine.ts";
import { cutFrom } from "./cut.ts";
import type { JobStore } from "./store.ts";

/** Maps, and ranges of all of them, that one event creates: a tenth of a second's work. */
const page = { maps: 5_000, ranges: 100_000 };

/**
 * Creates some more of the maps of a listed input, of which one event may not have time for all.
 * @returns how many
 */
export const createMaps = (store: JobStore, now: number): number => {
  const from = store.creation.get();
  if (from === null) return 0;
  let maps = 0;
  let ranges = 0;
  for (const { input, next } of cutFrom(store, from, store.job.inputBytes()).maps) {
    store.tasks.addMap(newTask("map", next.next - 1, now), input);
    maps++;
    ranges += input.length;
    if (maps === page.maps || ranges >= page.ranges) {
      store.creation.set(next);
      return maps;
    }
  }
  store.creation.clear();
  store.planned.clear();
  return maps;
};

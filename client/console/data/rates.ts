import type { JournalEvent } from "../../sdk/index.ts";

export type Rates = { readonly times: number[]; readonly records: number[]; readonly bytes: number[] };

/** Records and bytes a second, from one progress event to the next. */
export const ratesOf = (events: readonly JournalEvent[]): Rates => {
  const rates: Rates = { times: [], records: [], bytes: [] };
  let last: { time: number; records: number; bytes: number } | undefined;
  for (const event of events) {
    if (event.kind !== "progress") continue;
    const { builtin } = event.counters;
    const now = {
      time: event.time,
      records: (builtin.mapInputRecords ?? 0) + (builtin.reduceInputRecords ?? 0),
      bytes: (builtin.mapInputBytes ?? 0) + (builtin.shuffleBytes ?? 0),
    };
    const seconds = last === undefined ? 0 : (now.time - last.time) / 1000;
    if (last !== undefined && seconds > 0) {
      rates.times.push(now.time / 1000);
      // What was lost is counted again: a rate is never below 0.
      rates.records.push(Math.max(0, now.records - last.records) / seconds);
      rates.bytes.push(Math.max(0, now.bytes - last.bytes) / seconds);
    }
    if (last === undefined || seconds > 0) last = now;
  }
  return rates;
};

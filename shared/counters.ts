import { z } from "zod";
import { cleanText } from "./text.ts";
import { boundedSum, maxCounterName, maxGroupName } from "./user-counters.ts";

/** What the runner counts by itself. Bytes of records are those of keys and values, without separators. */
const builtinCounters = [
  /** Lines given to the mapper, and their bytes with the newlines. */
  "mapInputRecords",
  "mapInputBytes",
  /** What the mapper emitted, before any combiner. */
  "mapOutputRecords",
  "mapOutputBytes",
  "combineInputRecords",
  "combineOutputRecords",
  /** Written to the local disk while sorting or merging, on either side of the shuffle; each pass counts again. */
  "spilledRecords",
  "spilledBytes",
  /** Bytes of the segments that reducers fetched. */
  "shuffleBytes",
  /** Distinct keys, and records, given to the reducer. */
  "reduceInputGroups",
  "reduceInputRecords",
  /** Lines of the job's output, and their bytes. */
  "outputRecords",
  "outputBytes",
] as const;

export type BuiltinCounter = (typeof builtinCounters)[number];

/** The built-in counters, absent where 0, and the program's own: group, then name, then number. */
export const CountersSchema = z.object({
  builtin: z.partialRecord(z.enum(builtinCounters), z.number()),
  user: z.record(z.string().max(maxGroupName), z.record(z.string().max(maxCounterName), z.number())),
});

/** `null` is what JSON makes of a number that is not finite. */
const ReportedAmount = z.number().nullable();

/** Counters as a runner reports them. What comes from a program is bounded here and never refused. */
export const ReportedCountersSchema = z
  .object({
    builtin: z.partialRecord(z.enum(builtinCounters), ReportedAmount),
    user: z.record(z.string(), z.record(z.string(), ReportedAmount)),
  })
  .transform(({ builtin, user }): CountersSnapshot => ({
    builtin: boundedNumbers(builtin, (name) => name),
    user: Object.fromEntries(
      Object.entries(user).map(([group, counters]) => [
        cleanText(group, maxGroupName),
        boundedNumbers(counters, (name) => cleanText(name, maxCounterName)),
      ]),
    ),
  }));

export type CountersSnapshot = z.infer<typeof CountersSchema>;

export const noCounters: CountersSnapshot = { builtin: {}, user: {} };

/** The same numbers with the opposite sign, to take a snapshot out of a sum. */
export function negatedCounters({ builtin, user }: CountersSnapshot): CountersSnapshot {
  return {
    builtin: negated(builtin),
    user: Object.fromEntries(Object.entries(user).map(([group, numbers]) => [group, negated(numbers)])),
  };
}

/** The sums of two snapshots, neither of which is changed. */
export function addCounters(a: CountersSnapshot, b: CountersSnapshot): CountersSnapshot {
  const user = new Map(Object.entries(a.user));
  for (const [group, counters] of Object.entries(b.user)) user.set(group, addNumbers(user.get(group) ?? {}, counters));
  return { builtin: addNumbers(a.builtin, b.builtin), user: Object.fromEntries(user) };
}

/** Goes by way of a Map because names may be anything, `__proto__` too. */
function addNumbers(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sums = new Map(Object.entries(a));
  for (const [name, amount] of Object.entries(b)) sums.set(name, boundedSum(sums.get(name) ?? 0, amount));
  return Object.fromEntries(sums);
}

/** Names that become alike are added up. */
function boundedNumbers(
  numbers: Readonly<Record<string, number | null>>,
  nameOf: (name: string) => string,
): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [name, amount] of Object.entries(numbers)) {
    sums.set(nameOf(name), boundedSum(sums.get(nameOf(name)) ?? 0, amount ?? 0));
  }
  return Object.fromEntries(sums);
}

function negated(numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).map(([name, amount]) => [name, -amount]));
}

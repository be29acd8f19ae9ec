import { expect, test } from "vitest";
import { Counters } from "../../backend/runner/counters.ts";
import { addCounters, CountersSchema, ReportedCountersSchema } from "../../shared/counters.ts";

test("snapshots are added up by group and name, without changing them", () => {
  const a = { builtin: { mapInputRecords: 1, shuffleBytes: 2 }, user: { g: { n: 1 }, h: { n: 5 } } };
  const b = { builtin: { shuffleBytes: 3 }, user: { g: { n: 2, m: 1 } } };
  const sum = { builtin: { mapInputRecords: 1, shuffleBytes: 5 }, user: { g: { n: 3, m: 1 }, h: { n: 5 } } };
  expect(addCounters(a, b)).toEqual(sum);
  expect(addCounters(b, a)).toEqual(sum);
  expect(a.user).toEqual({ g: { n: 1 }, h: { n: 5 } });
});

test("a program's counters are limited in number and length, and no name is special", () => {
  const counters = new Counters();
  counters.add("g".repeat(200), "n".repeat(100), 2);
  counters.add("g".repeat(200), "n".repeat(101), 3);
  counters.count("outputRecords", 1);
  const snapshot = counters.snapshot();
  expect(snapshot).toEqual({ builtin: { outputRecords: 1 }, user: { ["g".repeat(128)]: { ["n".repeat(64)]: 5 } } });
  expect(CountersSchema.parse(snapshot)).toEqual(snapshot);
  for (let name = 0; name < 119; name++) counters.add("g", String(name), 1);
  expect(() => counters.add("g", "one more", 1)).toThrow("more than 120 counters");
  counters.add("g", "0", 1);
  const groups = new Counters();
  for (let group = 0; group < 50; group++) groups.add(String(group), "n", 1);
  expect(() => groups.add("one more", "n", 1)).toThrow("more than 50 groups");
  expect(() => CountersSchema.parse({ builtin: { unknown: 1 }, user: {} })).toThrow();
});

test("sums stay within the safe integers", () => {
  const counters = new Counters();
  for (const amount of [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1]) counters.add("g", "n", amount);
  counters.add("g", "m", Number.MIN_SAFE_INTEGER);
  counters.add("g", "m", -1);
  const snapshot = counters.snapshot();
  const bounded = { builtin: {}, user: { g: { n: Number.MAX_SAFE_INTEGER, m: Number.MIN_SAFE_INTEGER } } };
  expect(snapshot).toEqual(bounded);
  expect(addCounters(snapshot, snapshot)).toEqual(bounded);
});

test("a program's names are Unicode without control characters", () => {
  const counters = new Counters();
  counters.add("a\0b", "\ud83d", 1);
  counters.add("a b", "\ufffd", 1);
  counters.add("g", `${"n".repeat(63)}\u{1f600}`, 1);
  expect(counters.snapshot().user).toEqual({ "a b": { "\ufffd": 2 }, g: { ["n".repeat(63)]: 1 } });
});

test("reported counters are clamped, not refused", () => {
  const json = `{"builtin":{"outputRecords":1e300},"user":{"${"g".repeat(500)}":{"n":null,"m":1e300}}}`;
  const { builtin, user } = ReportedCountersSchema.parse(JSON.parse(json));
  expect(builtin).toEqual({ outputRecords: Number.MAX_SAFE_INTEGER });
  expect(Object.entries(user["g".repeat(128)] ?? {})).toEqual([
    ["n", 0],
    ["m", Number.MAX_SAFE_INTEGER],
  ]);
  expect(() => ReportedCountersSchema.parse({ builtin: { unknown: 1 }, user: {} })).toThrow();
});

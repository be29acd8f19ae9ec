import { beforeEach, expect, it } from "vitest";
import { RestartPolicy } from "../../../backend/agent/launchers/restart-policy.ts";

let policy: RestartPolicy;
beforeEach(() => {
  policy = new RestartPolicy({ settleMs: 5_000, firstWaitMs: 1_000, longestWaitMs: 30_000 });
});

it("lets a job start any number of runners while they live", () => {
  expect(policy.allowance(0)).toBe(Infinity);
  expect(policy.ended(0, 5_000)).toBe(false);
  expect(policy.allowance(5_000)).toBe(Infinity);
});

it("waits longer after each runner in a row that ends at once, and then lets one try", () => {
  const waits: (number | undefined)[] = [];
  const reported: boolean[] = [];
  let now = 0;
  for (let round = 0; round < 7; round++) {
    reported.push(policy.ended(now, now));
    expect(policy.allowance(now)).toBe(0);
    const until = policy.waitsUntil(now) ?? NaN;
    waits.push(until - now);
    now = until;
    expect(policy.allowance(now)).toBe(1);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(reported).toEqual([false, false, true, true, true, true, true]);
});

it("counts runners that started together once", () => {
  for (let index = 0; index < 5; index++) expect(policy.ended(0, 10 + index)).toBe(false);
  expect(policy.waitsUntil(20)).toBe(1_010);
});

it("starts over when a runner has lived", () => {
  policy.ended(0, 0);
  policy.ended(1_000, 1_000);
  policy.settled();
  expect(policy.waitsUntil(1_000)).toBeUndefined();
  expect(policy.allowance(1_000)).toBe(Infinity);
  expect(policy.ended(2_000, 2_000)).toBe(false);
});

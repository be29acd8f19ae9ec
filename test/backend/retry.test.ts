import { describe, expect, test } from "vitest";
import { Backoff, backoffMs, type BackoffTimes } from "../../shared/backoff.ts";
import { pauseByClock, Retries, retrying, type Patience } from "../../backend/retry.ts";

const times: BackoffTimes = { floorMs: 100, stepMs: 100, capMs: 10_000 };

describe("the back-off", () => {
  test("doubles the step that it adds to its floor, up to its cap", () => {
    expect([0, 1, 2].map((retry) => backoffMs(retry, times, () => 0))).toEqual([100, 100, 100]);
    expect([0, 1, 2].map((retry) => backoffMs(retry, times, () => 1))).toEqual([200, 300, 500]);
    expect(backoffMs(1_000, times, () => 1)).toBe(10_000);
    expect([0, 1, 2, 3].map((retry) => backoffMs(retry, { floorMs: 0, stepMs: 250, capMs: 800 }, () => 0.5))).toEqual([
      125, 250, 400, 400,
    ]);
  });

  test("starts over when it is reset", () => {
    const backoff = new Backoff(times, () => 1);
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([200, 300, 500]);
    backoff.reset();
    expect(backoff.next()).toBe(200);
  });
});

const failing = (failures: number) => {
  let calls = 0;
  const work = async (): Promise<number> => {
    calls += 1;
    if (calls <= failures) throw new Error(`failure ${calls}`);
    return calls;
  };
  return { work, calls: () => calls };
};
const noPause = async (): Promise<void> => {};
const patience: Patience = { ...times, tries: 6, windowMs: 1_000_000 };

describe("retrying", () => {
  test("ends with the first success", async () => {
    expect(await retrying(failing(3).work, () => ({ patience }), noPause, undefined)).toBe(4);
  });

  test("ends with the last failure after the maximum number of attempts", async () => {
    await expect(retrying(failing(99).work, () => ({ patience }), noPause, undefined)).rejects.toThrow("failure 6");
  });

  test("ends with the last failure after the maximum time", async () => {
    const short: Patience = { floorMs: 300, stepMs: 0, capMs: 300, tries: 99, windowMs: 1_000 };
    // waits of 300 ms after the failures at 0, 300, 600 and 900 ms
    await expect(retrying(failing(99).work, () => ({ patience: short }), noPause, undefined)).rejects.toThrow(
      "failure 5",
    );
  });

  test("ends at once for failures that no retry can help", async () => {
    const { work, calls } = failing(99);
    await expect(retrying(work, () => undefined, noPause, undefined)).rejects.toThrow("failure 1");
    expect(calls()).toBe(1);
  });

  test("ends with the signal's reason, before a wait and during one", async () => {
    const stopped = new Error("stopped");
    const aborted = AbortSignal.abort(stopped);
    await expect(retrying(failing(99).work, () => ({ patience }), noPause, aborted)).rejects.toBe(stopped);
    const controller = new AbortController();
    const pausing = pauseByClock(1_000_000, controller.signal);
    controller.abort(stopped);
    await expect(pausing).rejects.toBe(stopped);
  });

  test("waits at least as long as the peer asks for", async () => {
    const waits: number[] = [];
    const pause = async (ms: number): Promise<void> => void waits.push(ms);
    await retrying(failing(1).work, () => ({ patience, atLeastMs: 7_000 }), pause, undefined);
    expect(waits).toEqual([7_000]);
  });

  test("counts each kind of failure separately, and starts over after progress", async () => {
    const other: Patience = { ...patience, tries: 2 };
    const retries = new Retries(noPause, undefined);
    const failure = new Error("failure");
    for (let tries = 1; tries < 6; tries++) await retries.after(failure, { patience });
    await retries.after(failure, { patience: other });
    await expect(retries.after(failure, { patience })).rejects.toBe(failure);
    await expect(retries.after(failure, { patience: other })).rejects.toBe(failure);
    retries.reset();
    await retries.after(failure, { patience });
  });
});

import { beforeEach, describe, expect, test } from "vitest";
import { RequestRate } from "../../../backend/storage/request-rate.ts";

let now: number;
let rate: RequestRate;
beforeEach(() => {
  now = 1_000_000;
  rate = new RequestRate(() => now);
});

/** Sends requests one after another for a while, each taking 10 ms. @returns how many */
const send = (ms: number, isRefused: () => boolean = () => false): number => {
  const end = now + ms;
  let sent = 0;
  while (now < end) {
    now += rate.take();
    if (now >= end) break;
    sent += 1;
    const sentAt = now;
    now += 10;
    if (isRefused()) rate.refuse(sentAt);
    else rate.succeed();
  }
  return sent;
};

describe("the rate of requests", () => {
  test("has no limit before a refusal", () => {
    expect(Array.from({ length: 1000 }, () => rate.take())).toEqual(Array.from({ length: 1000 }, () => 0));
    rate.succeed();
    expect(rate.limit).toBe(Infinity);
  });

  test("drops by 30 % once for all requests that were in flight together", () => {
    const sentAt = now;
    for (let requests = 0; requests < 32; requests++) rate.take();
    now += 20;
    for (let refusals = 0; refusals < 32; refusals++) rate.refuse(sentAt);
    expect(rate.limit).toBeGreaterThan(32 * 0.65);
    expect(rate.limit).toBeLessThan(32 * 0.7);
  });

  test("spaces requests out from then on", () => {
    for (let requests = 0; requests < 40; requests++) rate.take();
    rate.refuse(now);
    const waits = Array.from({ length: 29 }, () => rate.take());
    expect(waits.map((wait) => Math.round(wait))).toEqual(
      Array.from({ length: 29 }, (_, at) => Math.round((at * 1000) / 28)),
    );
  });

  test("never drops below two per second", () => {
    send(60_000, () => true);
    expect(rate.limit).toBe(2);
    expect(send(10_000, () => true)).toBeLessThan(25);
  });

  test("finds the rate that a store accepts, and recovers when the store accepts everything again", () => {
    let allowance = 0;
    let filled = now;
    const overFive = (): boolean => {
      allowance = Math.min(5, allowance + ((now - filled) / 1000) * 5);
      filled = now;
      if (allowance < 1) return true;
      allowance -= 1;
      return false;
    };
    send(30_000, overFive);
    const sent = send(60_000, overFive);
    expect(sent).toBeGreaterThan(60 * 3);
    expect(sent).toBeLessThan(60 * 8);
    send(15_000);
    expect(send(1_000)).toBeGreaterThan(90);
  });
});

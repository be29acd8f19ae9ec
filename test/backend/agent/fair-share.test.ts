import { array, assert, integer, nat, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { fairShares, nextTurn, type Claimant } from "../../../backend/agent/launchers/fair-share.ts";

const quantum = 10;
const claimants = array(record({ wanted: nat(12), held: nat(12), since: nat(100) }), { maxLength: 8 });
const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);
const fresh = (wanted: number): Claimant => ({ wanted, held: 0, since: 0 });

describe("the shares", () => {
  it.each([
    [[], 4, []],
    [[1, 2], 4, [1, 2]],
    [[9, 9], 4, [2, 2]],
    [[1, 9, 9], 8, [1, 4, 3]],
    [[9, 0, 9], 3, [2, 0, 1]],
    [[9, 9, 9], 2, [1, 1, 0]],
    [[9, 9], 0, [0, 0]],
  ])("of %j in %i slots are %j", (wanted, capacity, shares) => {
    expect(fairShares(wanted.map(fresh), capacity, { now: 0, quantum })).toEqual(shares);
  });

  it("never exceed the capacity or what is wanted, leave no slot unused, and are max-min fair", () => {
    assert(
      property(claimants, nat(20), nat(200), (jobs, capacity, now) => {
        const shares = fairShares(jobs, capacity, { now, quantum });
        expect(sum(shares)).toBe(Math.min(capacity, sum(jobs.map((job) => job.wanted))));
        for (const [index, { wanted }] of jobs.entries()) {
          const share = shares[index] ?? NaN;
          expect(share).toBeLessThanOrEqual(wanted);
          if (share < wanted) expect(Math.max(...shares)).toBeLessThanOrEqual(share + 1);
        }
      }),
    );
  });

  it("stay as they are when nothing has changed", () => {
    assert(
      property(claimants, nat(20), (jobs, capacity) => {
        const turn = { now: 100, quantum };
        const shares = fairShares(jobs, capacity, turn);
        const settled = jobs.map((job, index) => ({ ...job, held: shares[index] ?? 0, since: 100 }));
        expect(fairShares(settled, capacity, turn)).toEqual(shares);
      }),
    );
  });

  it("leave the remainder with the job that has it", () => {
    const jobs = [fresh(9), { wanted: 9, held: 2, since: 5 }];
    expect(fairShares(jobs, 3, { now: 1_000, quantum })).toEqual([1, 2]);
  });
});

describe("taking turns", () => {
  it("moves the slot of the job that has held longest to the one that has waited longest, after a quantum", () => {
    const jobs = [
      { wanted: 1, held: 1, since: 2 },
      { wanted: 1, held: 1, since: 1 },
      { wanted: 1, held: 0, since: 4 },
      { wanted: 1, held: 0, since: 3 },
    ];
    expect(fairShares(jobs, 2, { now: 10, quantum })).toEqual([1, 1, 0, 0]);
    expect(nextTurn(jobs, [1, 1, 0, 0], { now: 10, quantum })).toBe(1);
    expect(fairShares(jobs, 2, { now: 11, quantum })).toEqual([1, 0, 0, 1]);
    expect(nextTurn(jobs.slice(0, 2), [1, 1], { now: 10, quantum })).toBeUndefined();
  });

  it("keeps no job waiting longer than the others' turns and last tasks take", () => {
    const setting = record({
      count: integer({ min: 1, max: 8 }),
      capacity: integer({ min: 1, max: 5 }),
      task: nat(40),
    });
    assert(
      property(setting, array(integer({ min: 1, max: 5 }), { minLength: 8, maxLength: 8 }), (given, wishes) => {
        const { count, capacity, task } = given;
        const world = wishes.slice(0, count).map((wanted) => ({ wanted, held: 0, since: 0 }));
        const limit = (count + 1) * (quantum + task);
        /** When the slots of runners that are finishing their last task become free. */
        let draining: number[] = [];
        for (let now = 0; now < 6 * limit; now++) {
          draining = draining.filter((end) => end > now);
          const shares = fairShares(world, capacity, { now, quantum });
          for (const [index, job] of world.entries()) {
            const before = job.held;
            for (; job.held > (shares[index] ?? 0); job.held--) draining.push(now + task);
            const free = (): number => capacity - draining.length - sum(world.map(({ held }) => held));
            while (job.held < (shares[index] ?? 0) && free() > 0) job.held++;
            if (before > 0 !== job.held > 0) job.since = now;
            if (job.held === 0) expect(now - job.since).toBeLessThanOrEqual(limit);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

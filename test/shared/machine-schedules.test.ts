import * as fc from "fast-check";
import { expect, test } from "vitest";
import { runnersWanted } from "../../shared/machine.ts";
import { isEnded } from "../../shared/status.ts";
import { violations, World } from "./machine-world.ts";

/** Something that happens; `which` picks, in a way of its own, what it happens to. */
const events = fc.record({
  what: fc.oneof(
    { weight: 20, arbitrary: fc.constant("claim") },
    { weight: 16, arbitrary: fc.constant("complete") },
    { weight: 2, arbitrary: fc.constant("fail") },
    { weight: 2, arbitrary: fc.constant("lose") },
    { weight: 2, arbitrary: fc.constant("shuffle-lost") },
    { weight: 2, arbitrary: fc.constant("uploads-lost") },
    { weight: 2, arbitrary: fc.constant("abandon") },
    { weight: 3, arbitrary: fc.constant("stale") },
    { weight: 3, arbitrary: fc.constant("time") },
  ),
  which: fc.nat(1000),
});
const mishaps = new Set(["fail", "lose", "shuffle-lost", "uploads-lost", "abandon"]);
type Event = { what: string; which: number };

const schedules = fc.record({
  maps: fc.nat(5),
  reducers: fc.constantFrom(0, 1, 3, 17, 20),
  /** How many of ten mishaps do happen. */
  severity: fc.constantFrom(0, 1, 3, 10),
  events: fc.array(events, { maxLength: 400, size: "max" }),
  stopAt: fc.option(fc.nat(150), { freq: 2 }),
});

const pick = <T>(from: readonly T[], which: number): T | undefined => from[which % Math.max(1, from.length)];

/** Events of attempts that are over already, of every kind. */
const late = (world: World, id: string, which: number): void => {
  const ways = [
    () => world.complete(id),
    () => world.fail(id, true),
    () => world.lose(id),
    () => world.shuffleLost(id, id),
  ];
  pick(ways, which)?.();
};

const happen = (world: World, { what, which }: Event): void => {
  const open = pick(world.open(), which)?.id;
  const won = [...world.attempts.values()].filter(({ status }) => status === "won");
  switch (what) {
    case "claim":
      world.claim(`runner-${which}`);
      break;
    case "complete":
      if (open !== undefined) world.complete(open, { builtin: { mapInputRecords: 1 + (which % 7) }, user: {} });
      break;
    case "fail":
      if (open !== undefined) world.fail(open, which % 8 === 0);
      break;
    case "lose":
      if (open !== undefined) world.lose(open);
      break;
    case "shuffle-lost": {
      const reduce = pick(
        world.open().filter(({ kind }) => kind === "reduce"),
        which,
      )?.id;
      const map = pick(
        won.filter(({ kind }) => kind === "map"),
        which,
      )?.id;
      if (reduce !== undefined && map !== undefined) world.shuffleLost(reduce, map);
      break;
    }
    case "uploads-lost": {
      const commit = pick(
        world.open().filter(({ kind }) => kind === "commit"),
        which,
      )?.id;
      if (commit !== undefined) world.uploadsLost(commit, [which % 20, (which * 7) % 20]);
      break;
    }
    case "abandon":
      world.abandonClean();
      break;
    case "stale": {
      const over = pick(
        [...world.attempts.values()].filter(({ status }) => status === "won" || status === "ended"),
        which,
      );
      if (over !== undefined) late(world, over.id, which);
      break;
    }
    default:
      world.now += which * 50;
  }
};

/** From here on nothing goes wrong any more, and every open attempt comes to its end. */
const settle = (world: World): void => {
  for (let step = 0; step < 1000 && !world.job.released; step++) {
    world.now += 60_000;
    const id = world.open()[0]?.id ?? world.claim();
    if (id === undefined) return;
    world.complete(id, { builtin: { mapInputRecords: 1 }, user: {} });
  }
};

const snapshot = (world: World): string => JSON.stringify([world.job, [...world.tasks], [...world.attempts]]);

test("a job holds its rules through any schedule, and ends when nothing goes wrong any more", () => {
  const ends = new Map<string, number>();
  fc.assert(
    fc.property(schedules, ({ maps, reducers, severity, events: schedule, stopAt }) => {
      const world = new World({ maps, reducers });
      for (const [step, event] of schedule.entries()) {
        if (mishaps.has(event.what) && event.which % 10 >= severity) continue;
        if (step === stopAt) world.stop();
        const { released, status, open } = world.job;
        happen(world, event);
        expect(violations(world)).toEqual([]);
        if (released) expect({ ...world.job, open }).toMatchObject({ released, status });
        if (isEnded(status)) expect(world.job.status).toBe(status);
      }
      settle(world);
      expect(violations(world)).toEqual([]);
      expect(world.job).toMatchObject({ released: true });
      expect(runnersWanted(world.job)).toBe(0);
      expect(isEnded(world.job.status)).toBe(true);
      for (const id of world.open()) world.lose(id.id);

      const end = snapshot(world);
      for (const id of world.attempts.keys()) for (const way of [0, 1, 2, 3]) late(world, id, way);
      expect(world.claim()).toBeUndefined();
      expect(world.stop()).toBe("ended");
      expect(snapshot(world)).toBe(end);
      ends.set(world.job.status, (ends.get(world.job.status) ?? 0) + 1);
    }),
    { seed: 20_261_101, numRuns: 400 },
  );
  // A simulation that never got anywhere would hold every rule.
  for (const status of ["completed", "failed", "stopped"]) expect(ends.get(status)).toBeGreaterThan(20);
});

test("a job without failures makes every attempt once", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(40), (maps, reducers) => {
      const world = new World({ maps, reducers });
      world.run();
      expect(world.job).toMatchObject({ status: "completed", released: true, clean: "done" });
      for (const { attempts, losses, failures } of world.tasks.values()) {
        expect([attempts, losses, failures]).toEqual([1, 0, 0]);
      }
    }),
    { seed: 3, numRuns: 100 },
  );
});

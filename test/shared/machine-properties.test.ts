import {
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  property,
  record,
  type Arbitrary,
} from "fast-check";
import { describe, expect, test } from "vitest";
import { addDuration, medianDuration, type Durations } from "../../shared/engine/durations.ts";
import { runnersWanted, stages, type AttemptRow, type Loss, type MadeAgain } from "../../shared/engine/machine.ts";
import { taskKinds } from "../../shared/status.ts";
import { claimableTasks, violations, World, type WorldOptions } from "./machine-world.ts";

/** Something that happens to a job. It picks what it acts on, and does nothing if there is no such thing. */
type Happening = (world: World) => void;

const pickFrom = <T>(all: readonly T[], pick: number): T | undefined => all[pick % Math.max(1, all.length)];
const onOpen = (pick: number, then: (world: World, attempt: AttemptRow) => void): Happening => {
  return (world) => {
    const attempt = pickFrom(world.open(), pick);
    if (attempt !== undefined) then(world, attempt);
  };
};

const losses: readonly Loss[] = ["known", "disrupted", "silent", "ending"];
const claims = nat(5).map(
  (runner): Happening =>
    (world) =>
      void world.claim(`runner-${runner}`),
);
const completions = record({ pick: nat(50), records: nat(9) }).map(({ pick, records }) =>
  onOpen(pick, (world, { id }) => world.complete(id, { builtin: { mapInputRecords: records }, user: {} })),
);
const failures = record({ pick: nat(50), final: boolean(), isAlike: boolean() }).map(({ pick, final, isAlike }) =>
  onOpen(pick, (world, { id }) => world.fail(id, final && pick % 5 === 0, isAlike ? "no such function" : undefined)),
);
const lostAttempts = record({ pick: nat(50), loss: constantFrom(...losses) }).map(({ pick, loss }) =>
  onOpen(pick, (world, { id }) => world.lose(id, loss)),
);
const explanations = record({ pick: nat(50), failed: boolean(), disrupted: boolean() }).map(
  ({ pick, failed, disrupted }): Happening =>
    (world) => {
      const waiting = [...world.tasks.values()].flatMap(({ lost }) => lost);
      const id = pickFrom(waiting, pick);
      if (id !== undefined) world.explain(id, failed ? { code: "Evicted", message: "too much disk" } : null, disrupted);
    },
);
const postponements = nat(50).map((pick) => onOpen(pick, (world, { id }) => world.postpone(id, 20_000)));
const lostOutputs = record({ pick: nat(50), map: nat(50) }).map(({ pick, map }) =>
  onOpen(pick, (world, { id, kind }) => {
    const winner = pickFrom(world.tasksOf("map"), map)?.winner ?? null;
    if (kind === "reduce" && winner !== null) world.shuffleLost(id, winner);
    if (kind === "commit") world.uploadsLost(id, [map % 16]);
  }),
);
const times = integer({ min: 1, max: 60_000 }).map(
  (ms): Happening =>
    (world) =>
      void (world.now += ms),
);
const ends = constantFrom<Happening>(
  (world) => void world.stop(),
  (world) => world.failJob(),
  (world) => world.abandonClean(),
  (world) => world.letGo(),
);
const resumptions = constantFrom<MadeAgain>("nothing", "outputs", "maps").map(
  (again): Happening =>
    (world) =>
      void world.resume(again),
);

const happenings: Arbitrary<Happening[]> = array(
  oneof(
    { weight: 30, arbitrary: claims },
    { weight: 25, arbitrary: completions },
    { weight: 4, arbitrary: failures },
    { weight: 5, arbitrary: lostAttempts },
    { weight: 3, arbitrary: explanations },
    { weight: 2, arbitrary: postponements },
    { weight: 4, arbitrary: lostOutputs },
    { weight: 10, arbitrary: times },
    { weight: 1, arbitrary: ends },
    { weight: 3, arbitrary: resumptions },
  ),
  { minLength: 20, maxLength: 150, size: "max" },
);
const options: Arbitrary<WorldOptions> = record({
  maps: nat(12),
  reducers: nat(4),
  parallelism: oneof(constant(null), constant(2)),
  maxFailedMapsPercent: constantFrom(0, 0, 30, 100),
  maxAttempts: integer({ min: 1, max: 4 }),
  maxLosses: integer({ min: 1, max: 6 }),
  keepFailedSeconds: constantFrom(0, 0, 100),
});

/** The rules that any happening must keep, and does not. */
const breaches = (world: World, happen: Happening): string[] => {
  const found: string[] = [];
  const { doubled, maps, reduces } = world.job;
  const claimable = claimableTasks(world);
  const { now } = world;
  world.takeWoken();
  happen(world);
  const woken = world.takeWoken();
  const { job } = world;
  if (job.doubled > doubled) {
    const { completed, running, total } = job.status === "mapping" ? maps : reduces;
    if (doubled >= Math.max(1, running * 0.1)) found.push(`${job.doubled} of ${running} tasks have a second attempt`);
    if (completed < Math.floor(total * 0.75)) found.push(`a second attempt with ${completed} of ${total} completed`);
    if (claimable > 0) found.push(`a second attempt, while ${claimable} tasks could be claimed`);
  }
  if (world.now === now && claimableTasks(world) - claimable > woken) {
    found.push(`${claimableTasks(world) - claimable} more tasks can be claimed, and ${woken} runners are woken`);
  }
  const kind = taskKinds.find((candidate) => stages[candidate].isCurrent(job));
  const left = kind === undefined ? 0 : (stages[kind].left?.(job) ?? 1);
  if (runnersWanted(job) > left + job.open) found.push(`${runnersWanted(job)} runners for ${left} tasks`);
  return [...found, ...violations(world)];
};

/** Completes everything that is open and everything that can be claimed, as time passes. */
const finish = (world: World): void => {
  for (let round = 0; round < 300 && !(world.job.released && world.job.open === 0); round++) {
    for (const { id } of world.open()) world.complete(id);
    world.now += 60_000;
    if (world.now >= (world.job.heldUntil ?? Infinity)) world.letGo();
    world.claim("last");
  }
};

describe("whatever happens to a job", () => {
  test("its rows are consistent, and it ends", () => {
    assert(
      property(options, happenings, (having, all) => {
        const world = new World(having);
        for (const happen of all) expect(breaches(world, happen)).toEqual([]);
        finish(world);
        expect(violations(world)).toEqual([]);
        expect(world.job).toMatchObject({ released: true, open: 0 });
        expect(world.announced.at(-1)).toBe(0);
      }),
    );
  });

  test("it continues from a row of release 0.1.0", () => {
    assert(
      property(options, happenings, nat(60), (having, all, upgrade) => {
        const world = new World(having);
        for (const [at, happen] of all.entries()) {
          if (at === upgrade) {
            const unknown = {
              announcedRunners: undefined,
              doubled: undefined,
              durations: undefined,
              maxLosses: undefined,
            };
            const pace = { map: { attempts: 3, ms: 100 }, reduce: { attempts: 0, ms: 0 } };
            world.restore({ ...world.job, ...unknown, failedMaps: [0, 2], pace });
          }
          happen(world);
        }
        finish(world);
        expect(world.job).toMatchObject({ released: true, open: 0 });
        expect(world.announced.at(-1)).toBe(0);
      }),
    );
  });
});

test("the median of durations is exact, or up to 9 % too high", () => {
  assert(
    property(array(integer({ min: 1, max: 100_000_000 }), { minLength: 1, maxLength: 200 }), (all) => {
      const durations = all.reduce<Durations>((counts, ms) => addDuration(counts, ms), {});
      const median = all.toSorted((a, b) => a - b)[Math.ceil(all.length / 2) - 1] ?? NaN;
      const found = medianDuration(durations) ?? NaN;
      expect(found / median).toBeGreaterThan(1 - 1e-9);
      expect(found / median).toBeLessThan(1.0906);
    }),
  );
  expect(medianDuration({})).toBeUndefined();
});

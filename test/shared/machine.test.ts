import { describe, expect, test } from "vitest";
import type { CountersSnapshot } from "../../shared/counters.ts";
import { maxUserCounters } from "../../shared/user-counters.ts";
import { defaultMaxLosses } from "../../shared/limits.ts";
import { claimableKind, runnersWanted, stragglerAge } from "../../shared/engine/machine.ts";
import type { JobStatus, TaskKind } from "../../shared/status.ts";
import { violations, World, maxAttempts, type WorldOptions } from "./machine-world.ts";

const counted = (mapInputRecords: number): CountersSnapshot => ({ builtin: { mapInputRecords }, user: {} });

/** This many counters of a program. */
const named = (prefix: string, count: number): CountersSnapshot => ({
  builtin: {},
  user: { group: Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, 1])) },
});

/** A job with two maps and two reduces that has reached `status`. */
const worldIn = (status: JobStatus, options: WorldOptions = { maps: 2, reducers: 2 }): World => {
  const world = new World(options);
  world.run(({ job }) => job.status === status);
  expect(world.job.status).toBe(status);
  return world;
};

const counts = (total: number, completed: number, running = 0, failed = 0) => ({ total, running, completed, failed });

const evicted = { code: "Evicted", message: "it used more disk than its limit" };

const failAlike = (world: World, tasks: number): void => {
  for (let i = 0; i < tasks; i++) world.fail(world.mustClaim(), false, `line ${i}: no such function`);
};

const failFor = (world: World, index: number): void => {
  for (let id = world.claim(); id !== undefined; world.now += 60_000, id = world.claim()) {
    if (world.attempt(id).index === index) world.fail(id);
    else world.complete(id, counted(1));
    if (world.task("map", index).status === "failed") return;
  }
};

/** A job with four maps: the first three took 2048 ms each, and the last one has been running since then. */
const withStraggler = (): { world: World; slow: string } => {
  const world = worldIn("mapping", { maps: 4, reducers: 1 });
  for (let map = 0; map < 3; map++) {
    const id = world.mustClaim();
    world.now += 2048;
    world.complete(id);
  }
  return { world, slow: world.mustClaim("slow") };
};

describe("a job that goes well", () => {
  test("goes through its phases, runs each task once, and is released when it has been cleaned up", () => {
    const world = new World({ maps: 2, reducers: 3 });
    const seen: string[] = [];
    for (let id = world.claim(); id !== undefined; id = world.claim()) {
      seen.push(`${world.job.status} ${id}`);
      world.complete(id, counted(2));
      expect(violations(world)).toEqual([]);
    }
    expect(seen).toEqual([
      "planning j-p-0-1",
      "mapping j-m-0-1",
      "mapping j-m-1-1",
      "reducing j-r-0-1",
      "reducing j-r-1-1",
      "reducing j-r-2-1",
      "committing j-c-0-1",
      "committing j-s-0-1",
      "completed j-x-0-1",
    ]);
    expect(world.job).toMatchObject({
      status: "completed",
      maps: counts(2, 2),
      reduces: counts(3, 3),
      counters: counted(10),
      clean: "done",
      released: true,
    });
    expect(world.erased).toBe(true);
  });

  test.each([
    { maps: 3, reducers: 0, kinds: ["plan", "map", "commit", "success", "clean"] },
    { maps: 0, reducers: 2, kinds: ["plan", "reduce", "commit", "success", "clean"] },
    { maps: 0, reducers: 0, kinds: ["plan", "success", "clean"] },
    { maps: 33, reducers: 0, kinds: ["plan", "map", "commit", "success", "clean"] },
  ])("with $maps maps and $reducers reduces runs $kinds", ({ maps, reducers, kinds }) => {
    const world = new World({ maps, reducers });
    const ran = world.run().map((id) => world.attempt(id).kind);
    expect([...new Set(ran)]).toEqual(kinds);
    expect(ran.filter((kind) => kind === "commit")).toHaveLength(Math.ceil((reducers || maps) / 16));
    expect(world.job).toMatchObject({ status: "completed", released: true });
  });

  test.each<{ status: JobStatus; kind: TaskKind | undefined; wanted: number }>([
    { status: "pending", kind: "plan", wanted: 1 },
    { status: "mapping", kind: "map", wanted: 40 },
    { status: "reducing", kind: "reduce", wanted: 20 },
    { status: "committing", kind: "commit", wanted: 2 },
    { status: "completed", kind: "clean", wanted: 1 },
  ])("in $status hands out $kind to $wanted runners", ({ status, kind, wanted }) => {
    const world = worldIn(status, { maps: 40, reducers: 20 });
    expect(claimableKind(world.job)).toBe(kind);
    expect(runnersWanted(world.job)).toBe(wanted);
  });

  test("wants no more runners than its parallelism, and none at the end", () => {
    const world = new World({ maps: 40, reducers: 1, parallelism: 8 });
    world.run(({ job }) => job.status === "mapping");
    expect(runnersWanted(world.job)).toBe(8);
    world.run();
    expect(runnersWanted(world.job)).toBe(0);
  });
});

describe("an attempt that fails", () => {
  test("is retried with growing pauses, and the task's last failure fails the job", () => {
    const world = worldIn("mapping");
    const waits: number[] = [];
    for (let failure = 1; failure < maxAttempts; failure++) {
      world.fail(world.mustClaim());
      expect(world.task("map", 0)).toMatchObject({ status: "scheduled", failures: failure, error: { code: "Broken" } });
      waits.push(world.task("map", 0).notBefore - world.now);
      expect(violations(world)).toEqual([]);
      world.now = world.task("map", 0).notBefore;
    }
    expect(waits).toEqual([500, 1000, 2000]);
    world.fail(world.mustClaim());
    expect(world.task("map", 0).status).toBe("failed");
    expect(world.task("map", 1).status).toBe("stopped");
    expect(world.job).toMatchObject({
      status: "failed",
      error: { code: "Broken", message: "it broke at a", taskId: "j-m-0" },
      maps: counts(2, 0, 0, 1),
      endedAt: world.now,
    });
    expect(world.effects).toEqual(["revoke", "stop-tasks", "create", "publish", "wake", "runners"]);
  });

  test("lets other tasks go first while it waits to be retried", () => {
    const world = worldIn("mapping");
    world.fail(world.mustClaim());
    expect(world.mustClaim()).toBe("j-m-1-1");
    expect(world.claim()).toBeUndefined();
    world.now += 500;
    expect(world.mustClaim()).toBe("j-m-0-2");
  });

  test.each<JobStatus>(["pending", "mapping", "reducing", "committing"])(
    "for good in %s fails the job at once",
    (status) => {
      const world = worldIn(status);
      const id = world.mustClaim();
      world.fail(id, true);
      const touched = status !== "pending";
      expect(world.job).toMatchObject({
        status: "failed",
        error: { taskId: id.replace(/-1$/, "") },
        released: !touched,
      });
      // A plan that has not begun an upload leaves nothing to clean.
      if (touched) expect(world.attempt(world.mustClaim()).kind).toBe("clean");
      else expect(world.claim()).toBeUndefined();
      expect(violations(world)).toEqual([]);
    },
  );

  test("leaves no trace in a task that is completed later", () => {
    const world = worldIn("mapping");
    world.fail(world.mustClaim());
    world.now += 500;
    world.complete(world.mustClaim());
    expect(world.task("map", 0)).toMatchObject({ status: "completed", error: null, winner: "j-m-0-2", attempts: 2 });
  });
});

describe("different tasks that fail alike", () => {
  test("fail the job when there are as many as the attempts of one task, and none has succeeded", () => {
    const world = worldIn("mapping", { maps: 10, reducers: 1 });
    failAlike(world, maxAttempts - 1);
    expect(world.job.status).toBe("mapping");
    failAlike(world, 1);
    expect(world.job).toMatchObject({
      status: "failed",
      error: {
        code: "Broken",
        message: "4 different tasks failed in the same way, and none succeeded: line 0: no such function",
      },
    });
    expect(violations(world)).toEqual([]);
  });

  test.each([
    ["another succeeds in between", (world: World) => world.complete(world.mustClaim())],
    ["one fails otherwise in between", (world: World) => world.fail(world.mustClaim(), false, "out of luck")],
  ])("do not if %s", (_, inBetween) => {
    const world = worldIn("mapping", { maps: 10, reducers: 1 });
    failAlike(world, maxAttempts - 1);
    inBetween(world);
    failAlike(world, maxAttempts - 1);
    expect(world.job.status).toBe("mapping");
  });

  test("count as one if it is the same task again", () => {
    const world = worldIn("mapping", { maps: 1, reducers: 1 });
    for (let i = 0; i < maxAttempts - 1; i++) {
      failAlike(world, 1);
      world.now += 60_000;
    }
    expect(world.job).toMatchObject({ status: "mapping", alike: { tasks: [0] } });
  });
});

describe("a tolerated share of failed maps", () => {
  test("lets the job continue without them", () => {
    const world = new World({ maps: 4, reducers: 2, maxFailedMapsPercent: 25 });
    world.run(({ job }) => job.status === "mapping");
    failFor(world, 1);
    expect(violations(world)).toEqual([]);
    world.run();
    expect(world.job).toMatchObject({ status: "completed", maps: counts(4, 3, 0, 1), error: null });
    expect(world.task("map", 1)).toMatchObject({ status: "failed", error: { code: "Broken" } });
  });

  test("ends the phase if the last map is among them", () => {
    const world = new World({ maps: 2, reducers: 0, maxFailedMapsPercent: 50 });
    world.run(({ job }) => job.status === "mapping");
    failFor(world, 1);
    expect(world.job.status).toBe("committing");
    world.run();
    expect(world.job).toMatchObject({ status: "completed", released: true });
  });

  test("fails the job with the first map too many", () => {
    const world = new World({ maps: 4, reducers: 1, maxFailedMapsPercent: 49 });
    world.run(({ job }) => job.status === "mapping");
    failFor(world, 0);
    expect(world.job.status).toBe("mapping");
    failFor(world, 2);
    expect(world.job).toMatchObject({ status: "failed", maps: counts(4, 1, 0, 2), error: { taskId: "j-m-2" } });
  });

  test("does not apply to a map whose output a reduce may have read", () => {
    const world = new World({ maps: 2, reducers: 2, maxFailedMapsPercent: 100 });
    world.run(({ job }) => job.status === "reducing");
    world.complete(world.mustClaim());
    world.shuffleLost(world.mustClaim(), "j-m-0-1");
    world.fail(world.mustClaim(), true);
    expect(world.job).toMatchObject({ status: "failed", error: { taskId: "j-m-0" } });
  });

  test("does not apply to reduces", () => {
    const world = worldIn("reducing", { maps: 2, reducers: 2, maxFailedMapsPercent: 100 });
    world.fail(world.mustClaim(), true);
    expect(world.job.status).toBe("failed");
  });
});

test("the job's row does not grow with the maps that fail", () => {
  const world = new World({ maps: 300, reducers: 1, maxFailedMapsPercent: 100 });
  world.run(({ job }) => job.status === "mapping");
  const size = (): number => JSON.stringify(world.job).length;
  for (let i = 0; i < 110; i++) world.fail(world.mustClaim(), true, "it broke");
  const early = size();
  for (let i = 0; i < 180; i++) world.fail(world.mustClaim(), true, "it broke");
  expect(world.job.maps.failed).toBe(290);
  expect(size()).toBeLessThan(early + 10);
});

describe("a straggler", () => {
  test("gets a second attempt after 1.5 times the duration of the others, and no third", () => {
    const { world, slow } = withStraggler();
    world.now += 3071;
    expect(world.claim()).toBeUndefined();
    world.now += 1;
    const second = world.mustClaim("other");
    expect(world.attempt(second)).toMatchObject({ kind: "map", index: world.attempt(slow).index });
    world.now += 60_000;
    expect(world.claim()).toBeUndefined();
    expect(world.job.maps).toEqual(counts(4, 3, 1));
    expect(violations(world)).toEqual([]);
  });

  test.each(["slow", "second"])(
    "is completed by whichever attempt is first, here the %s one, and the other is revoked",
    (first) => {
      const { world, slow } = withStraggler();
      world.now += 3072;
      const second = world.mustClaim("other");
      const [winner, other] = first === "slow" ? [slow, second] : [second, slow];
      world.complete(winner);
      expect(world.attempt(other).status).toBe("revoked");
      expect(world.job).toMatchObject({ status: "reducing", maps: counts(4, 4) });
      world.complete(other);
      expect(world.task("map", 3)).toMatchObject({ winner, status: "completed" });
      expect(violations(world)).toEqual([]);
      world.run();
      expect(world.job).toMatchObject({ status: "completed", released: true });
    },
  );

  test.each(["fail", "lose"] as const)("continues with one of its two attempts when the other is over (%s)", (how) => {
    const { world, slow } = withStraggler();
    world.now += 3072;
    const second = world.mustClaim("other");
    world[how](slow);
    expect(world.task("map", 3)).toMatchObject({ status: "in-progress", live: 1 });
    expect(world.job.maps).toEqual(counts(4, 3, 1));
    world[how](second);
    expect(world.task("map", 3)).toMatchObject({ status: "scheduled", live: 0 });
    expect(violations(world)).toEqual([]);
  });

  test("runs again if the winner's output is lost, even while the losing attempt is still open", () => {
    const { world, slow } = withStraggler();
    world.now += 3072;
    const second = world.mustClaim("other");
    world.complete(second);
    world.shuffleLost(world.mustClaim("reducer"), second);
    const third = world.mustClaim("other");
    world.fail(third);
    expect(world.task("map", 3)).toMatchObject({ status: "scheduled", live: 0 });
    world.lose(slow);
    expect(violations(world)).toEqual([]);
    world.now += 60_000;
    world.run();
    expect(world.job).toMatchObject({ status: "completed", released: true });
  });
});

/** A phase of 100 maps: `done` are completed, one after an hour and the rest in 10 s each; the others are still running. */
const atWork = (done: number): World => {
  const world = worldIn("mapping", { maps: 100, reducers: 1 });
  const all = Array.from({ length: 100 }, (_, i) => world.mustClaim(`runner-${i}`));
  world.now += 10_000;
  for (const id of all.slice(0, done - 1)) world.complete(id);
  world.now += 3_600_000;
  world.complete(all[done - 1] ?? "");
  return world;
};
/** Claims everything that can be claimed. @returns the number of successful claims */
const claims = (world: World): number => {
  let count = 0;
  while (world.claim(`other-${count}`) !== undefined) count += 1;
  return count;
};

describe("second attempts", () => {
  test.each([
    [74, 0],
    [75, 2],
    [80, 2],
    [85, 1],
    [99, 1],
  ])("with %i of 100 maps completed, are allowed for %i other maps at a time", (done, most) => {
    const world = atWork(done);
    expect(claims(world)).toBe(most);
    expect(world.job.doubled).toBe(most);
    expect(violations(world)).toEqual([]);
  });

  test("are started when an earlier one is over", () => {
    const world = atWork(90);
    const second = world.mustClaim("other");
    expect(world.claim("third")).toBeUndefined();
    world.complete(second);
    expect(world.attempt(world.mustClaim("third")).index).not.toBe(world.attempt(second).index);
  });

  test("are due after 1.5 times the median, however long a few maps took", () => {
    const age = stragglerAge(atWork(80).job) ?? 0;
    expect(age / 15_000).toBeGreaterThanOrEqual(1);
    expect(age / 15_000).toBeLessThan(1.0906);
  });

  test("no longer count once the job has ended", () => {
    const world = atWork(90);
    const second = world.mustClaim("other");
    world.stop();
    world.lose(second);
    expect(world.job.doubled).toBe(0);
    expect(violations(world)).toEqual([]);
  });
});

describe("the cluster", () => {
  test("is asked for fewer runners as the phase runs out of tasks, in few messages", () => {
    const world = worldIn("mapping", { maps: 1000, reducers: 1 });
    expect(world.announced).toEqual([1, 1000]);
    world.run(({ job }) => job.maps.completed === 999);
    expect(world.announced.length).toBeLessThan(60);
    expect(world.announced.slice(-9)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test("is asked for no fewer runners than are busy", () => {
    const world = worldIn("mapping", { maps: 12, reducers: 1 });
    const all = Array.from({ length: 12 }, (_, i) => world.mustClaim(`runner-${i}`));
    for (const id of all.slice(0, 4)) world.complete(id);
    expect(world.announced.at(-1)).toBe(8);
  });
});

describe("idle runners", () => {
  test("are woken, as many as there are tasks to claim", () => {
    const world = new World({ maps: 3, reducers: 40 });
    world.complete(world.mustClaim());
    expect(world.takeWoken()).toBe(3);
    world.lose(world.mustClaim());
    expect(world.takeWoken()).toBe(1);
    world.run(({ job }) => job.status === "reducing");
    expect(world.takeWoken()).toBe(40);
    world.run(({ job }) => job.status === "committing");
    expect(world.takeWoken()).toBe(3);
    world.complete(world.mustClaim());
    expect(world.takeWoken()).toBe(0);
    // For `_SUCCESS`, and for the cleaning.
    world.run(({ job }) => job.status === "completed");
    expect(world.takeWoken()).toBe(2);
  });

  test("are not woken for a task that waits for an explanation", () => {
    const world = worldIn("mapping");
    world.takeWoken();
    world.lose(world.mustClaim(), "ending");
    expect(world.takeWoken()).toBe(0);
  });
});

describe("an attempt that a store throttles", () => {
  test("is retried after a pause, however often, and does not count", () => {
    const world = worldIn("mapping");
    for (let times = 0; times < 2 * defaultMaxLosses; times++) {
      world.postpone(world.mustClaim(), 20_000);
      expect(world.task("map", 0)).toMatchObject({
        status: "scheduled",
        failures: 0,
        losses: 0,
        notBefore: world.now + 20_000,
        error: { code: "Throttled", message: "it is asked too often", taskId: "j-m-0" },
      });
      world.now += 20_000;
    }
    world.run();
    expect(world.job).toMatchObject({ status: "completed" });
    expect(world.task("map", 0)).toMatchObject({ status: "completed", error: null });
  });

  test("leaves the task to the other attempt if there are two", () => {
    const world = worldIn("mapping");
    const late = world.mustClaim("a");
    world.lose(late);
    const next = world.mustClaim("b");
    world.postpone(late, 20_000);
    world.complete(next);
    expect(world.task("map", 0).winner).toBe(next);
  });
});

describe("an attempt that is lost", () => {
  test("is retried at once, without a failure", () => {
    const world = worldIn("mapping");
    world.lose(world.mustClaim());
    expect(world.task("map", 0)).toMatchObject({ status: "scheduled", failures: 0, losses: 1 });
    expect(world.effects).toEqual(["wake"]);
    expect(world.mustClaim()).toBe("j-m-0-2");
  });

  test("too often fails the job", () => {
    const world = worldIn("mapping");
    for (let loss = 1; loss < defaultMaxLosses; loss++) world.lose(world.mustClaim());
    expect(world.job.status).toBe("mapping");
    world.lose(world.mustClaim());
    expect(world.job).toMatchObject({ status: "failed", error: { code: "AttemptsLost", taskId: "j-m-0" } });
  });

  test("as often as the job's `maxLosses` fails the job", () => {
    const world = worldIn("mapping", { maps: 2, reducers: 2, maxLosses: 2 });
    world.lose(world.mustClaim());
    expect(world.job.status).toBe("mapping");
    world.lose(world.mustClaim());
    expect(world.job).toMatchObject({ status: "failed", error: { message: "lost 2 times, last because it is gone" } });
  });

  test("because of the cluster is not charged, however often", () => {
    const world = worldIn("mapping", { maps: 2, reducers: 2, maxLosses: 1 });
    for (let times = 0; times < 40; times++) {
      world.lose(world.mustClaim(), "disrupted");
      const id = world.mustClaim();
      world.lose(id, times % 2 === 0 ? "ending" : "silent");
      expect(world.task("map", 0).losses).toBe(1);
      world.explain(id, null, true);
      expect(world.task("map", 0)).toMatchObject({ status: "scheduled", losses: 0, lost: [] });
      expect(violations(world)).toEqual([]);
    }
    world.run();
    expect(world.job.status).toBe("completed");
  });

  test.each(["ending", "silent"] as const)(
    "without an explanation (%s) fails the job only at the next loss",
    (loss) => {
      const world = worldIn("mapping", { maps: 1, reducers: 2, maxLosses: 2 });
      for (let times = 0; times < 2; times++) {
        world.lose(world.mustClaim(), loss);
        world.now += 60_000;
      }
      expect(world.job.status).toBe("mapping");
      world.lose(world.mustClaim(), loss);
      expect(world.job).toMatchObject({ status: "failed", error: { code: "AttemptsLost" } });
    },
  );

  test("because of the cluster is not charged, even if that is only known after the next loss", () => {
    const world = worldIn("mapping", { maps: 1, reducers: 2, maxLosses: 3 });
    const ids = [1, 2].map(() => {
      const id = world.mustClaim();
      world.lose(id, "silent");
      return id;
    });
    expect(world.task("map", 0)).toMatchObject({ losses: 2, lost: ids });
    for (const id of ids) world.explain(id, null, true);
    expect(world.task("map", 0)).toMatchObject({ losses: 0, lost: [], error: { message: "it was drained" } });
  });

  test("by a runner that was told to end waits for the reason, which is charged instead of the loss", () => {
    const world = worldIn("mapping");
    const id = world.mustClaim();
    world.lose(id, "ending");
    expect(world.claim()).toBe("j-m-1-1");
    expect(world.task("map", 0)).toMatchObject({ status: "scheduled", failures: 0, losses: 1, lost: [id] });
    for (let times = 0; times < 2; times++) world.explain(id, evicted);
    expect(world.task("map", 0)).toMatchObject({ failures: 1, losses: 0, lost: [], error: evicted });
    expect(world.job.maps.running).toBe(1);
    world.now += 1000;
    expect(world.mustClaim()).toBe("j-m-0-2");
  });

  test("by a runner that was told to end is retried once it is known not to be at fault", () => {
    const world = worldIn("mapping");
    const id = world.mustClaim();
    world.lose(id, "ending");
    world.explain(id, null);
    expect(world.effects).toEqual(["wake"]);
    expect(world.task("map", 0)).toMatchObject({ failures: 0, losses: 1, error: { message: "it was drained" } });
    expect(world.mustClaim()).toBe("j-m-0-2");
  });

  test("by a runner that was told to end is retried after a while if nobody says why", () => {
    const world = worldIn("mapping");
    const id = world.mustClaim();
    world.lose(id, "ending");
    world.now += 60_000;
    const next = world.mustClaim();
    expect(next).toBe("j-m-0-2");
    // A late explanation counts all the same, while the next attempt is running.
    world.explain(id, evicted);
    expect(world.task("map", 0)).toMatchObject({ status: "in-progress", failures: 1, losses: 0, live: 1 });
    world.complete(next);
    expect(world.task("map", 0)).toMatchObject({ status: "completed", winner: next, error: null });
    world.explain(id, evicted);
    expect(world.task("map", 0)).toMatchObject({ status: "completed", failures: 1, error: null });
  });

  test("is charged once the reason is known, even after another attempt has failed", () => {
    const world = worldIn("mapping");
    const id = world.mustClaim();
    world.lose(id, "silent");
    world.fail(world.mustClaim());
    world.explain(id, evicted);
    expect(world.task("map", 0)).toMatchObject({ status: "scheduled", failures: 2, losses: 0, lost: [] });
  });

  test.each([
    ["while it waits", 0],
    ["while it runs again", 60_000],
  ])("fails the job if a task may fail only once, %s", (_, later) => {
    const world = worldIn("mapping", { maps: 2, reducers: 2, maxAttempts: 1 });
    const id = world.mustClaim();
    world.lose(id, "ending");
    world.now += later;
    if (later > 0) world.mustClaim();
    world.explain(id, evicted);
    expect(world.job).toMatchObject({ status: "failed", error: { code: "Evicted", taskId: "j-m-0" } });
    expect(world.job.maps).toMatchObject({ running: 0, failed: 1 });
  });

  test.each(["complete", "fail", "lose"] as const)("changes nothing with a late report: %s", (word) => {
    const world = worldIn("mapping");
    const late = world.mustClaim("a");
    world.lose(late);
    const next = world.mustClaim("b");
    const before = [world.job, world.task("map", 0)];
    world[word](late);
    expect([world.job, world.task("map", 0)]).toEqual(before);
    world.complete(next);
    expect(world.task("map", 0).winner).toBe(next);
  });
});

test("a completion that arrives twice counts once", () => {
  const world = worldIn("mapping");
  const id = world.mustClaim();
  world.complete(id, counted(3));
  world.complete(id, counted(3));
  expect(world.job).toMatchObject({ maps: counts(2, 1), counters: counted(3), open: 0 });
});

test("too many counters fail the job", () => {
  const world = worldIn("mapping");
  world.complete(world.mustClaim(), named("a", maxUserCounters));
  expect(world.job.status).toBe("mapping");
  world.complete(world.mustClaim(), named("b", 1));
  expect(world.job).toMatchObject({ status: "failed", error: { code: "TooManyCounters", taskId: "j-m-1" } });
  expect(violations(world)).toEqual([]);
});

describe("a map output that is lost", () => {
  test("takes the job back to mapping, and then on without creating its reduces again", () => {
    const world = worldIn("reducing");
    const [other, reduce] = [world.mustClaim("a"), world.mustClaim("b")];
    world.shuffleLost(reduce, "j-m-1-1");
    expect(world.job).toMatchObject({ status: "mapping", maps: counts(2, 1), reduces: counts(2, 0, 1) });
    expect(world.task("map", 1)).toMatchObject({ status: "scheduled", winner: null, losses: 1 });
    expect(world.task("reduce", 1)).toMatchObject({ status: "scheduled", losses: 0, failures: 0 });
    expect(world.mustClaim()).toBe("j-m-1-2");
    world.complete(other);
    expect(world.job).toMatchObject({ status: "mapping", reduces: counts(2, 1) });
    world.complete("j-m-1-2");
    expect(world.job.status).toBe("reducing");
    world.run();
    expect(world.job.status).toBe("completed");
    expect(world.creations.filter((kind) => kind === "reduce")).toHaveLength(1);
    expect(violations(world)).toEqual([]);
  });

  test("takes its counters with it", () => {
    const world = new World({ maps: 1, reducers: 1 });
    world.complete(world.mustClaim());
    world.complete(world.mustClaim(), counted(5));
    world.shuffleLost(world.mustClaim(), "j-m-0-1");
    expect(world.job.counters.builtin.mapInputRecords).toBe(0);
    world.complete(world.mustClaim(), counted(7));
    expect(world.job.counters).toEqual(counted(7));
  });

  test("that was already replaced affects only the reduce", () => {
    const world = worldIn("reducing");
    const [a, b] = [world.mustClaim("a"), world.mustClaim("b")];
    world.shuffleLost(a, "j-m-0-1");
    world.complete(world.mustClaim());
    expect(world.job.status).toBe("reducing");
    world.shuffleLost(b, "j-m-0-1");
    expect(world.job.status).toBe("reducing");
    expect(world.task("map", 0)).toMatchObject({ status: "completed", winner: "j-m-0-2", losses: 1 });
    expect(world.task("reduce", 1)).toMatchObject({ status: "scheduled", losses: 1 });
  });

  test("does not cost the running reduces their runners", () => {
    const world = worldIn("reducing", { maps: 2, reducers: 10 });
    const reduces = Array.from({ length: 10 }, (_, i) => world.mustClaim(`runner-${i}`));
    world.shuffleLost(reduces[0] ?? "", "j-m-0-1");
    expect(runnersWanted(world.job)).toBe(9);
  });

  test("again and again fails the job, however many reduces are waiting", () => {
    const world = worldIn("reducing");
    for (let loss = 1; loss < defaultMaxLosses; loss++) {
      world.shuffleLost(world.mustClaim(), world.task("map", 0).winner ?? "");
      world.complete(world.mustClaim());
      expect(world.job.status).toBe("reducing");
    }
    world.shuffleLost(world.mustClaim(), world.task("map", 0).winner ?? "");
    expect(world.job).toMatchObject({ status: "failed", error: { code: "OutputLost", taskId: "j-m-0" } });
    expect(violations(world)).toEqual([]);
  });

  test("no longer matters once the job is committing", () => {
    const world = worldIn("committing");
    world.loseOutput("j-m-0-1");
    expect(world.job).toMatchObject({ status: "committing", maps: counts(2, 2) });
  });
});

describe("an upload that is lost", () => {
  test("takes the job from committing to reducing and back", () => {
    const world = worldIn("committing");
    world.uploadsLost(world.mustClaim(), [1]);
    expect(world.job).toMatchObject({ status: "reducing", reduces: counts(2, 1) });
    expect(world.task("commit", 0)).toMatchObject({ status: "scheduled", losses: 0 });
    expect(world.run(({ job }) => job.status === "committing")).toEqual(["j-r-1-2"]);
    expect(world.run()).toEqual(["j-c-0-2", "j-s-0-1", "j-x-0-1"]);
    expect(world.job.status).toBe("completed");
  });

  test("takes a map-only job back to mapping", () => {
    const world = worldIn("committing", { maps: 2, reducers: 0 });
    world.uploadsLost(world.mustClaim(), [0, 1]);
    expect(world.job).toMatchObject({ status: "mapping", maps: counts(2, 0) });
    world.run();
    expect(world.job.status).toBe("completed");
  });

  test("leaves other batches alone, which continue", () => {
    const world = worldIn("committing", { maps: 1, reducers: 20 });
    const [first, second] = [world.mustClaim("a"), world.mustClaim("b")];
    world.uploadsLost(first, [3]);
    world.complete(second);
    expect(world.job).toMatchObject({ status: "reducing", commits: { total: 2, completed: 1 } });
    expect(world.run()).toEqual(["j-r-3-2", "j-c-0-2", "j-s-0-1", "j-x-0-1"]);
  });

  test("does not hide that a map is missing too", () => {
    const world = worldIn("committing", { maps: 1, reducers: 20 });
    const [first, second] = [world.mustClaim("a"), world.mustClaim("b")];
    world.uploadsLost(first, [3]);
    world.shuffleLost(world.mustClaim("a"), "j-m-0-1");
    expect(world.job.status).toBe("mapping");
    world.uploadsLost(second, [18]);
    expect(world.job).toMatchObject({ status: "mapping", reduces: counts(20, 18) });
    expect(world.run().slice(0, 3)).toEqual(["j-m-0-2", "j-r-3-3", "j-r-18-2"]);
    expect(world.job.status).toBe("completed");
  });
});

describe("stop", () => {
  test("releases a job at once if no runner has worked for it", () => {
    const world = new World({ maps: 2, reducers: 2 });
    expect(world.stop()).toBe("stopped");
    expect(world.job).toMatchObject({ status: "stopped", clean: "unneeded", released: true, error: null });
    expect(world.erased).toBe(true);
    expect(world.claim()).toBeUndefined();
    expect(violations(world)).toEqual([]);
  });

  test.each<JobStatus>(["planning", "mapping", "reducing"])("in %s revokes and cleans", (status) => {
    const world = status === "planning" ? new World({ maps: 2, reducers: 2 }) : worldIn(status);
    const id = world.mustClaim();
    expect(world.job.status).toBe(status);
    expect(world.stop()).toBe("stopped");
    expect(world.attempt(id).status).toBe("revoked");
    expect(world.job).toMatchObject({ status: "stopped", clean: "waiting", released: false, open: 1 });
    expect(world.claim()).toBeUndefined();
    expect(runnersWanted(world.job)).toBe(1);
    world.complete(id);
    expect(world.effects).toEqual(["wake"]);
    expect(world.run()).toEqual(["j-x-0-1"]);
    expect(world.job).toMatchObject({ status: "stopped", clean: "done", released: true });
    expect(violations(world)).toEqual([]);
  });

  test.each<[JobStatus, string]>([
    ["committing", "committing"],
    ["completed", "ended"],
    ["failed", "ended"],
    ["stopped", "ended"],
  ])("in %s is refused as %s", (status, refusal) => {
    const world = worldIn(status === "committing" || status === "completed" ? status : "mapping");
    if (status === "failed") world.fail(world.mustClaim(), true);
    if (status === "stopped") world.stop();
    const before = world.job;
    expect(world.stop()).toBe(refusal);
    expect(world.job).toBe(before);
  });
});

describe("the cleaning", () => {
  test("waits for every attempt that may still act", () => {
    const world = worldIn("mapping");
    const [a, b] = [world.mustClaim("a"), world.mustClaim("b")];
    world.stop();
    world.lose(a);
    expect(world.effects).toEqual([]);
    expect(world.claim()).toBeUndefined();
    world.fail(b);
    expect(world.effects).toEqual(["wake"]);
    expect(world.mustClaim()).toBe("j-x-0-1");
  });

  test("is retried, and abandoned when it fails for good", () => {
    const world = worldIn("completed");
    for (let failure = 1; failure < maxAttempts; failure++) {
      world.fail(world.mustClaim());
      expect(world.job).toMatchObject({ clean: "waiting", released: false });
      world.now += 60_000;
    }
    world.fail(world.mustClaim());
    expect(world.job).toMatchObject({ status: "completed", error: null, clean: "abandoned", released: true });
    expect(world.erased).toBe(true);
  });

  test("that was abandoned for being slow changes nothing afterwards", () => {
    const world = worldIn("completed");
    const id = world.mustClaim();
    world.abandonClean();
    expect(world.job).toMatchObject({ clean: "abandoned", released: true });
    world.complete(id);
    expect(world.job).toMatchObject({ status: "completed", clean: "abandoned", released: true, open: 0 });
    expect(world.claim()).toBeUndefined();
  });
});

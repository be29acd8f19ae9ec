import { describe, expect, test } from "vitest";
import { claimableKind, fail, JobRowSchema, runnersWanted, TaskRowSchema } from "../../shared/engine/machine.ts";

/** A job's row as release 0.1.0 stores it: three maps, of which one has failed and was tolerated, and one is running. */
const job010 = {
  id: "0197a1b2-0000-7000-8000-000000000001",
  status: "mapping",
  mapOnly: false,
  nReducers: 2,
  parallelism: null,
  maxAttempts: 4,
  maxFailedMapsPercent: 50,
  speculation: true,
  maps: { total: 3, running: 1, completed: 0, failed: 1 },
  reduces: { total: 2, running: 0, completed: 0, failed: 0 },
  commits: { total: 0, completed: 0 },
  created: { reduces: false, commits: false },
  open: 1,
  touched: true,
  clean: "unneeded",
  released: false,
  endedAt: null,
  error: null,
  counters: { builtin: {}, user: {} },
  failedMaps: [0],
  pace: { map: { attempts: 0, ms: 0 }, reduce: { attempts: 0, ms: 0 } },
  alike: { failure: "map Broken line #", tasks: [0, 1, 2, 3, 4, 5, 6, 7] },
};

/** A task's row of that job. The first rows of that release have no `lost`. */
const task010 = {
  kind: "map",
  index: 1,
  status: "in-progress",
  attempts: 1,
  failures: 0,
  losses: 0,
  live: 1,
  winner: null,
  notBefore: 0,
  startedAt: 1_700_000_000_000,
  endedAt: null,
  podName: "edgefold-0",
  message: "",
  error: null,
  counters: { builtin: {}, user: {} },
};

describe("rows stored by release 0.1.0", () => {
  test("are parsed, and the job continues from them", () => {
    const job = JobRowSchema.parse(job010);
    expect(claimableKind(job)).toBe("map");
    expect(runnersWanted(job)).toBe(2);
    const task = TaskRowSchema.parse(task010);
    const attempt = { id: "a", kind: "map", index: 1, runnerId: "r", status: "live", startedAt: 0, end: null } as const;
    const failed = fail(job, task, attempt, { code: "Broken", message: "line 7", final: false }, 1000);
    expect(failed).toMatchObject({
      job: { open: 0, maps: { running: 0, failed: 1 }, alike: { tasks: [0, 1, 2, 3] } },
      task: { status: "scheduled", failures: 1, lost: [] },
    });
  });

  test("keep what an agent can still explain", () => {
    expect(TaskRowSchema.parse({ ...task010, lost: "a" })).toMatchObject({ lost: ["a"] });
    expect(TaskRowSchema.parse({ ...task010, lost: null })).toMatchObject({ lost: [] });
  });
});

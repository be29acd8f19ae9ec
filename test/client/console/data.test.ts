import { describe, expect, it } from "vitest";
import { parseRoute, routeTo } from "../../../client/console/data/address.ts";
import { barsOf } from "../../../client/console/data/bars.ts";
import { layOutGrid } from "../../../client/console/data/grid-layout.ts";
import { phasesOf } from "../../../client/console/data/phases.ts";
import { ratesOf } from "../../../client/console/data/rates.ts";
import { verdictOf } from "../../../client/console/data/shares.ts";
import { commandOf, curlOf } from "../../../client/console/pages/job-commands.ts";
import type { JobRequest, JobStatus, JournalEvent, Task } from "../../../client/sdk/index.ts";
import { noCounters } from "../../../shared/counters.ts";

/** What the console makes of what the server says. */

describe("an address", () => {
  it.each([
    [["jobs"], {}, "#/jobs"],
    [["jobs", "a/b c", "tasks", "m-0"], {}, "#/jobs/a%2Fb%20c/tasks/m-0"],
    [["jobs"], { tag: "a:b&c", name: "", status: undefined }, "#/jobs?tag=a%3Ab%26c"],
  ])("of %j and %j", (path, query, address) => {
    expect(routeTo(path, query)).toBe(address);
    const known = Object.fromEntries(Object.entries(query).filter(([, value]) => value));
    expect(parseRoute(address)).toEqual({ path, query: known });
  });

  it("that is none leads somewhere", () => {
    expect(parseRoute("#/jobs/%E0%A4%A")).toEqual({ path: ["jobs", "%E0%A4%A"], query: {} });
    expect(parseRoute("")).toEqual({ path: [], query: {} });
  });
});

it.each([
  [0, 1000, 14],
  [100, 1000, 14],
  [5_000, 1000, 5],
  [100_000, 1200, 2],
])("%i cells of a grid %i px wide have sides of %i px", (count, width, size) => {
  const layout = layOutGrid(count, width);
  expect(layout.size).toBe(size);
  expect(layout.columns * layout.rows).toBeGreaterThanOrEqual(count);
  if (count < 100_000) expect(layout.rows * size).toBeLessThanOrEqual(220);
});

it("a job is copied as commands, with its programs or an aggregate", () => {
  const request: JobRequest = { inputPath: "s3://data/in/", outputPath: "s3://data/out/", mapperName: "map.py" };
  const options = (more: Partial<JobRequest>): string =>
    commandOf({ request: { ...request, ...more } }, "https://here").replace("edgefold run --server https://here ", "");
  expect(options({ mapperArgs: ["a b"], reducerName: "identity", combinerName: "add.py", nReducers: 3 })).toBe(
    String.raw`--mapper 'map.py '\''a b'\''' --reducer identity --combiner add.py --reducers 3 s3://data/in/ s3://data/out/`,
  );
  expect(options({ mapperName: "identity", aggregate: "sum", nReducers: 1 })).toBe(
    "--mapper identity --aggregate sum s3://data/in/ s3://data/out/",
  );
  expect(curlOf({ request: { ...request, aggregate: "sum" } }, "https://here")).toContain('"aggregate":"sum"');
});

const change = (time: number, status: JobStatus): JournalEvent => ({
  id: time,
  time,
  kind: "job",
  status,
  error: null,
});

it("phases last until the next one, and the last one until now", () => {
  const events = [change(0, "pending"), change(10, "planning"), change(25, "mapping"), change(100, "failed")];
  expect(phasesOf(events, 999)).toEqual([
    { name: "pending", ms: 10 },
    { name: "planning", ms: 15 },
    { name: "mapping", ms: 75 },
  ]);
  expect(phasesOf(events.slice(0, 2), 40)).toEqual([
    { name: "pending", ms: 10 },
    { name: "planning", ms: 30 },
  ]);
});

const progress = (time: number, mapInputRecords: number): JournalEvent => {
  const counts = { total: 1, running: 1, completed: 0, failed: 0 };
  const counters = { builtin: { mapInputRecords, mapInputBytes: 10 * mapInputRecords }, user: {} };
  return { id: time, time, kind: "progress", maps: counts, reduces: counts, counters };
};

it("rates are those from one count to the next, and never below 0", () => {
  const events = [progress(0, 0), change(1, "mapping"), progress(1000, 500), progress(1000, 600), progress(3000, 400)];
  expect(ratesOf(events)).toEqual({ times: [1, 3], records: [500, 0], bytes: [5000, 0] });
});

const share = (index: number, records: number, bytes = 1) => ({ index, records, bytes });

it.each([
  [[], "No partition has been read yet."],
  [[share(0, 0, 0)], "No partition has been read yet."],
  [[share(0, 5)], "The partitions are even: the largest, 0, has 100 % of the records."],
  [[share(0, 5), share(1, 5)], "The partitions are even: the largest, 0, has 50 % of the records."],
  [
    [share(0, 1), share(1, 1), share(2, 1), share(3, 9)],
    "Partition 3 has 75 % of the records, 3.0 times the mean: a frequent key.",
  ],
  [
    [share(0, 0, 10), share(1, 0, 90), share(2, 0, 0)],
    "Partition 1 has 90 % of the bytes, 2.7 times the mean: a frequent key.",
  ],
])("of %j it is said: %s", (shares, verdict) => expect(verdictOf(shares)).toBe(verdict));

const task = (index: number, podName: string, startTime: number, endTime: number | null): Task => ({
  id: `j-m-${index}`,
  type: "mapper",
  status: endTime === null ? "in-progress" : "completed",
  program: { name: "p", type: "executable", size: 1, hash: "" },
  inputData: { id: "", path: "", type: "", splitStart: 0, splitEnd: 0 },
  podName,
  startTime,
  attempt: podName === "" ? 0 : 1,
  endTime,
  message: "",
  error: null,
  counters: noCounters,
});

it("a bar is what a runner did, in a lane of its own", () => {
  const again = {
    number: 1,
    runner: "a",
    startTime: 30,
    endTime: 40,
    outcome: "superseded",
    error: null,
    logBytes: null,
    counters: null,
  } as const;
  const attempted = {
    task: task(3, "b", 35, 45),
    attempts: [{ ...again, number: 2, runner: "b", startTime: 35, endTime: 45, outcome: "won" } as const, again],
  };
  const tasks = [
    { task: task(0, "b", 20, null) },
    { task: task(1, "a", 10, 15) },
    { task: task(2, "", 5, null) },
    attempted,
  ];
  const { bars, runners } = barsOf("j", tasks, 50);
  expect(runners).toEqual(["a", "b"]);
  expect(bars).toEqual([
    { name: "m-1", status: "completed", from: 10, to: 15, lane: 0 },
    { name: "m-0", status: "in-progress", from: 20, to: 50, lane: 1 },
    { name: "m-3, attempt 1", status: "scheduled", from: 30, to: 40, lane: 0 },
    { name: "m-3, attempt 2", status: "completed", from: 35, to: 45, lane: 1 },
  ]);
});

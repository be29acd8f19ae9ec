import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { debugTask } from "../../../client/cli/debug/debug-task.ts";
import { buildRequest, JobOptionsSchema, supersededBy, type Spec } from "../../../client/cli/request/job-request.ts";
import { serverOf, type Server } from "../../../client/cli/server/server.ts";
import { JobDetailSchema } from "../../../shared/api/jobs.ts";
import { TaskDetailSchema } from "../../../shared/api/tasks.ts";
import { examples } from "../../../worker/http/examples.ts";
import { FakeServer, json, problem } from "../sdk/fake-server.ts";

/** Jobs without programs of their own, as the command asks for them. */

const somewhere = serverOf("https://edgefold.example.com", undefined, false);
const places = { input: "s3://data/in/", output: "s3://data/out/" };

let folder: string;
const before = process.cwd();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edgefold-builtin-"));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const build = async (options: Record<string, unknown>, spec: Spec = {}, server: Server = somewhere) => {
  const {
    inputPath: _i,
    outputPath: _o,
    ...fields
  } = await buildRequest(
    server,
    JobOptionsSchema.parse({ ...options, credentials: "none" }),
    places,
    spec,
    () => undefined,
  );
  return fields;
};

describe("a request", () => {
  it.each([
    [{ mapper: "identity" }, { mapperName: "identity", nReducers: 0 }],
    [
      { mapper: "identity", reducer: "identity" },
      { mapperName: "identity", reducerName: "identity" },
    ],
    [
      { mapper: "map.py -n", aggregate: "sum" },
      { mapperName: "map.py", mapperArgs: ["-n"], aggregate: "sum" },
    ],
    [
      { mapper: "map.py", aggregate: "sum", reducers: 3 },
      { mapperName: "map.py", aggregate: "sum", nReducers: 3 },
    ],
    [
      { mapper: "map.py", reducers: 0 },
      { mapperName: "map.py", nReducers: 0 },
    ],
  ])("of %j", async (options, fields) => {
    expect(await build(options)).toEqual(fields);
  });

  it("has the aggregate or the reducer of the options, whichever of them a file has", async () => {
    const reducing = { mapper: "map.py", reducer: "sum.py -n", combiner: "sum.py" };
    expect(await build({ aggregate: "max" }, { ...reducing })).toEqual({ mapperName: "map.py", aggregate: "max" });
    const adding = { mapper: "map.py", aggregate: "sum" };
    expect(await build({}, { ...adding })).toEqual({ mapperName: "map.py", aggregate: "sum" });
    expect(await build({ reducer: "add.py" }, { ...adding })).toEqual({ mapperName: "map.py", reducerName: "add.py" });
  });

  it("of an earlier job has one of them, too", () => {
    expect(supersededBy({ aggregate: "sum" })).toEqual(["reducerName", "reducerArgs", "combinerName", "combinerArgs"]);
    expect(supersededBy({ reducerName: "add.py" })).toEqual(["aggregate"]);
    // The server says what is wrong with both.
    expect(supersededBy({ aggregate: "sum", reducerName: "add.py" })).not.toContain("reducerName");
    expect(supersededBy({ mapperName: "map.py" })).toEqual([]);
  });

  it("has the file named identity where there is one", async () => {
    writeFileSync("identity", "#!/bin/sh\ncat\n");
    const server = new FakeServer(
      () => problem(404),
      () => json({}),
    );
    const { mapperName } = await build({ mapper: "identity" }, {}, { ...somewhere, client: server.client });
    expect(mapperName).toMatch(/^identity-[0-9a-f]{12}$/);
    expect(server.asked).toEqual([`GET /api/v1/artifacts/${String(mapperName)}`, "PUT /api/v1/artifacts"]);
  });
});

const exampleOf = (schema: unknown): unknown => examples.find((example) => example.schema === schema)?.value;

it("a task whose program is built in is not debugged", async () => {
  const job = JobDetailSchema.parse(exampleOf(JobDetailSchema));
  const task = TaskDetailSchema.parse(exampleOf(TaskDetailSchema));
  const program = { name: "sum", type: "builtin", size: 0, hash: "" };
  const { client } = new FakeServer(
    () => json(job),
    () => json({ ...task, id: `${job.id}-r-0`, type: "reducer", program }),
  );
  await expect(debugTask({ ...somewhere, client }, job.id, "r-0", undefined)).rejects.toMatchObject({
    message: "r-0 runs sum, which is built in: there is no program in it to debug.",
    exitCode: 2,
  });
});

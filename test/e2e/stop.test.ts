import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../shared/api/jobs.ts";
import { ProblemSchema } from "../../shared/api/problems.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { environmentOf, isAlive } from "../helpers/proc.ts";
import { killAgent, processesOf, runnersOf, sparesOf } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";

/** Stopping a job: its programs end, whatever they do, and their output is removed. */

/** The mappers. Each writes its pid and its children's to a temporary file, which it renames to `pids`. */
const programs: Record<string, (pids: string) => { readonly text: string; readonly type: "executable" | "module" }> = {
  "a program that sleeps, with children": (pids) => ({
    type: "executable",
    text: `#!/bin/sh
sleep 1000 &
child=$!
(sleep 1000; :) &
echo "$$ $child $!" > ${pids}.new && mv ${pids}.new ${pids}
wait
`,
  }),
  "a program that ignores SIGTERM": (pids) => ({
    type: "executable",
    text: `#!/bin/sh
trap '' TERM INT HUP
echo "$$" > ${pids}.new && mv ${pids}.new ${pids}
while :; do sleep 1; done
`,
  }),
  "a program that writes indefinitely": (pids) => ({
    type: "executable",
    text: `#!/bin/sh
echo "$$" > ${pids}.new && mv ${pids}.new ${pids}
exec yes
`,
  }),
  "a module that waits forever": (pids) => ({
    type: "module",
    text: `import { writeFileSync, renameSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
export async function map() {
  writeFileSync("${pids}.new", String(process.pid));
  renameSync("${pids}.new", "${pids}");
  for (;;) await setTimeout(10);
}
`,
  }),
  "a module that never yields its thread": (pids) => ({
    type: "module",
    text: `import { writeFileSync, renameSync } from "node:fs";
export function map() {
  writeFileSync("${pids}.new", String(process.pid));
  renameSync("${pids}.new", "${pids}");
  while (true);
}
`,
  }),
  "a module that only yields to microtasks": (pids) => ({
    type: "module",
    text: `import { writeFileSync, renameSync } from "node:fs";
export async function map() {
  writeFileSync("${pids}.new", String(process.pid));
  renameSync("${pids}.new", "${pids}");
  for (;;) await undefined;
}
`,
  }),
};

const reducer = "#!/bin/sh\nexec cat\n";

const expectProblem = async (answer: Response, status: number, kind: string): Promise<void> => {
  const problem = ProblemSchema.parse(await answer.json());
  expect({ status: answer.status, type: problem.type }).toEqual({ status, type: `urn:edgefold:problem:${kind}` });
};

describe("stopping a job", () => {
  let edgefold: Edgefold;
  let count = 0;

  beforeAll(async () => {
    edgefold = await Edgefold.start({ withoutAgent: true });
    await edgefold.put("data/text.txt", "some words\n");
    await edgefold.upload("reducer", reducer);
    await edgefold.upload("sleeper", "#!/bin/sh\nexec sleep 1000\n");
  });
  afterAll(async () => {
    await edgefold.stop();
  });

  const post = async (request: Record<string, unknown> = {}): Promise<Job> =>
    edgefold.post({
      inputPath: `${edgefold.s3Endpoint}/data/text.txt`,
      mapperName: "sleeper",
      reducerName: "reducer",
      ...request,
    });

  const expectStopped = async (id: string): Promise<void> => {
    const job = await edgefold.job(id);
    expect(job).toMatchObject({ id, status: "stopped", error: null, outputs: [], endTime: expect.any(Number) });
    expect(job.progress.maps.running).toBe(0);
  };

  test("before an agent is connected", async () => {
    const { id } = await post();
    const pending = await edgefold.job(id);
    expect(pending).toMatchObject({ status: "pending", conditions: [{ type: "NoAgent" }] });
    const answer = await edgefold.stopJob(id);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toBe(`Job ${id} was successfully stopped`);
    await expectStopped(id);
    // Nothing was done yet, so there is nothing to clean up.
    expect((await edgefold.job(id)).conditions).toEqual([]);
    expect(await edgefold.tasks(id)).toEqual([]);
    await expectProblem(await edgefold.stopJob(id), 409, "job-ended");
    await edgefold.startAgent();
    // The agent is free for others.
    const { id: next } = await post({ mapperName: "reducer" });
    await edgefold.completed(next);
    await expectProblem(await edgefold.stopJob(next), 409, "job-ended");
    expect(await edgefold.job(next)).toMatchObject({ status: "completed" });
  });

  test("that does not exist", async () => {
    await expectProblem(await edgefold.stopJob("0190a0a0-0000-7000-8000-000000000000"), 404, "unknown-job");
    await expectProblem(await edgefold.stopJob("nobody"), 404, "unknown-job");
  });

  /** Submits a job with this mapper. @returns its id, its output folder, and the processes of its program once they run */
  const run = async (name: string): Promise<{ id: string; running: number[]; output: string }> => {
    const pids = join(edgefold.dir, `pids-${++count}`);
    const { text, type } = programs[name]?.(pids) ?? { text: "", type: "executable" };
    await edgefold.upload(`mapper-${count}`, text, type);
    const output = join(edgefold.files, `out-${count}`);
    const { id } = await post({ mapperName: `mapper-${count}`, outputPath: pathToFileURL(output).href });
    await edgefold.waitFor(id, ({ status }) => existsSync(pids) || status !== "mapping", 60_000);
    await expect.poll(() => existsSync(pids), { timeout: 30_000 }).toBe(true);
    const running = readFileSync(pids, "utf8").trim().split(" ").map(Number);
    expect(running.filter((pid) => !isAlive(pid))).toEqual([]);
    return { id, running, output };
  };

  test.each(Object.keys(programs))("with %s", async (name) => {
    const { id, running, output } = await run(name);
    expect(await edgefold.job(id)).toMatchObject({ status: "mapping", progress: { maps: { running: 1 } } });
    expect(await edgefold.tasks(id)).toMatchObject([{ id: `${id}-m-0`, status: "in-progress" }]);

    const answer = await edgefold.stopJob(id);
    expect(answer.status).toBe(200);
    await expect.poll(() => running.filter(isAlive), { timeout: 30_000, interval: 50 }).toEqual([]);

    await expectStopped(id);
    expect(await edgefold.tasks(id)).toMatchObject([
      { id: `${id}-m-0`, status: "stopped", endTime: expect.any(Number) },
    ]);
    await expectProblem(await edgefold.stopJob(id), 409, "job-ended");
    // Its partial output is gone, and so are all its processes.
    await expect.poll(() => processesOf(id), { timeout: 20_000 }).toEqual([]);
    expect(existsSync(output) ? readdirSync(output, { recursive: true }) : []).toEqual([]);
    expect((await edgefold.job(id)).conditions).toEqual([]);
    // Nothing else was done for it meanwhile.
    await expectStopped(id);
  });

  test("leaves room for the next one", async () => {
    const { id } = await post({ mapperName: "reducer" });
    const job = await edgefold.completed(id);
    expect((await edgefold.outputsOf(job)).join("")).toBe("some words\t\n");
  });

  test("whose runner has no token in its environment, which other processes can read", async () => {
    const { id } = await run("a program that sleeps, with children");
    const environments = runnersOf(id).map(environmentOf);
    expect(environments).not.toEqual([]);
    for (const environment of environments) {
      expect(environment).toContain("PARENT=pipe");
      // The token begins with the job's id.
      expect(environment.filter((entry) => entry.includes(id) || entry.startsWith("RUNNER_TOKEN="))).toEqual([]);
    }
    expect((await edgefold.stopJob(id)).status).toBe(200);
    await expect.poll(() => processesOf(id), { timeout: 20_000 }).toEqual([]);
  });

  test.each([
    ["is stopped", async () => edgefold.agent?.stop()],
    ["is killed", async () => killAgent(edgefold)],
  ] as const)("runners that wait for a job end when their agent %s", async (_, end) => {
    const spares = await until("spares", () => (sparesOf(edgefold).length > 0 ? sparesOf(edgefold) : undefined));
    await end();
    // One that was just being started ends once it has read that its agent is gone.
    await expect.poll(() => [...spares.filter(isAlive), ...sparesOf(edgefold)], { timeout: 20_000 }).toEqual([]);
    await edgefold.startAgent();
  });
});

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Edgefold } from "../helpers/edgefold.ts";
import { commandOf, isAlive, processesWith } from "../helpers/proc.ts";
import { killAgent } from "../helpers/processes.ts";
import { strayKinds } from "../helpers/strays.ts";
import { until, untilNone } from "../helpers/until.ts";

/**
 * Jobs whose mappers leave every kind of process behind, and which end in every way. Afterwards none of the processes is alive.
 * `STRAY_JOBS` is the total number of jobs, and `STRAY_WAVE` the number at the same time: multiples of 6, by default 6.
 */

const jobs = Number(process.env["STRAY_JOBS"] ?? 6);
const wave = Number(process.env["STRAY_WAVE"] ?? 6);

/** What a mapper does once its strays run, and how its job ends. `$marker` exists from the second attempt on. */
const ways = [
  { way: "completed", next: "cat", status: "completed" },
  { way: "failed", next: "exit 3", status: "failed" },
  { way: "stopped", next: "exec sleep 1000", status: "stopped" },
  { way: "timed-out", next: "exec sleep 1000", status: "failed" },
  {
    way: "runner-killed",
    next: '[ -e "$marker" ] || { : > "$marker"; kill -9 $PPID; sleep 1000; }; cat',
    status: "completed",
  },
  { way: "agent-killed", next: '[ -e "$marker" ] || { : > "$marker"; exec sleep 1000; }; cat', status: "completed" },
];

let edgefold: Edgefold;
let pids: string;

beforeAll(async () => {
  edgefold = await Edgefold.start({ env: { RUNNERS: String(Math.max(4, wave / ways.length)) } });
  pids = join(edgefold.dir, "pids");
  mkdirSync(pids);
  mkdirSync(edgefold.files, { recursive: true });
  writeFileSync(join(edgefold.files, "in.txt"), "a line\n");
  for (const { way, next } of ways) await edgefold.upload(way, mapper(next));
});
afterAll(async () => {
  await edgefold.stop();
});

/** A mapper that starts a stray of each kind, waits until all have written their pids, and then runs `next`. */
const mapper = (next: string): string => `#!/bin/bash
file=${pids}/$EDGEFOLD_ATTEMPT_ID
marker=$file.marker
marker=\${marker/-m-0-[0-9]*/}
${Object.values(strayKinds)
  .map((stray) => stray('"$file"'))
  .join("\n")}
while [ "$(cat "$file" 2> /dev/null | wc -l)" -lt ${Object.keys(strayKinds).length} ]; do sleep 0.02; done
: > "$file.ready"
${next}
`;

/** The live strays of all jobs so far, and the live processes that started them. */
const strays = (): number[] => [
  ...processesWith(`${pids}/`).map(({ pid }) => pid),
  ...readdirSync(pids)
    .filter((name) => /-\d+$/.test(name))
    .flatMap((name) => readFileSync(join(pids, name), "utf8").trim().split("\n").map(Number))
    // By now a pid can belong to another process.
    .filter((pid) => isAlive(pid) && commandOf(pid).startsWith("innocent")),
];

/** Starts a job that ends in this way. @returns its id */
const start = async (way: string): Promise<string> => {
  const { id } = await edgefold.post({
    inputPath: pathToFileURL(join(edgefold.files, "in.txt")).href,
    outputPath: pathToFileURL(join(edgefold.files, "out")).href,
    mapperName: way,
    nReducers: 0,
    maxAttempts: 1,
    taskTimeoutSeconds: way === "timed-out" ? 1 : 600,
  });
  return id;
};

const ready = async (id: string): Promise<true> =>
  until(`the strays of ${id}`, () => existsSync(join(pids, `${id}-m-0-1.ready`)) || undefined, 600_000);

/** Runs a job that ends by itself or is stopped here. */
const run = async ({ way, status }: (typeof ways)[number]): Promise<void> => {
  const id = await start(way);
  if (way === "stopped") {
    await ready(id);
    expect((await edgefold.stopJob(id)).status).toBe(200);
  }
  expect({ way, status: (await edgefold.ended(id, 600_000)).status }).toEqual({ way, status });
};

test("no stray outlives its attempt", { timeout: 300_000 + jobs * 10_000 }, async () => {
  for (let done = 0; done < jobs; done += wave) {
    const wanted = Array.from({ length: wave / ways.length }, () => ways).flat();
    await Promise.all(wanted.filter(({ way }) => way !== "agent-killed").map(run));
    await untilNone("strays", strays);
    const last = await Promise.all(wanted.filter(({ way }) => way === "agent-killed").map(({ way }) => start(way)));
    await Promise.all(last.map(ready));
    await killAgent(edgefold);
    await untilNone("strays when the agent was killed", strays);
    await edgefold.startAgent();
    await Promise.all(last.map((id) => edgefold.completed(id, 600_000)));
    await untilNone("strays", strays);
  }
});

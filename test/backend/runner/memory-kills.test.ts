import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Report } from "../../../backend/runner/tasks/task-run.ts";
import { TaskScene } from "./task-scene.ts";

let cgroup: string;

beforeEach(() => {
  cgroup = mkdtempSync(join(tmpdir(), "edgefold-cgroup-"));
});
afterEach(() => rmSync(cgroup, { recursive: true }));

const write = (name: string, text: string): void => {
  mkdirSync(dirname(join(cgroup, name)), { recursive: true });
  writeFileSync(join(cgroup, name), text);
};

/** Runs a map whose program is a script. */
const run = async (script: string, directory: string | null = cgroup): Promise<Report> => {
  const env = directory === null ? {} : { CGROUP_DIR: directory };
  const scene = new TaskScene({ type: "executable", source: `#!/bin/sh\n${script}\n` }, env);
  try {
    return await scene.map();
  } finally {
    scene.remove();
  }
};

const v2 = { events: "memory.events", limit: "memory.max", before: "low 0\noom 3\noom_kill 2\noom_group_kill 0\n" };
const v1 = {
  events: "memory/memory.oom_control",
  limit: "memory/memory.limit_in_bytes",
  before: "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
};
/** A command that changes the counter as the kernel does when it kills a process. */
const kills = ({ events }: typeof v2, count: number): string =>
  `sed -i 's/^oom_kill .*/oom_kill ${count}/' ${cgroup}/${events}`;

describe.each([
  ["version 2", v2],
  ["version 1", v1],
])("with cgroups of %s, a process that the kernel kills for memory", (_, files) => {
  it.each([
    ["is the program", "kill -KILL $$", "was ended by SIGKILL"],
    ["is a child of the program, which passes its end on", "sh -c 'kill -KILL $$'; exit $?", "exited with code 137"],
    ["is a child of the program, which fails in its own way", "sh -c 'kill -KILL $$'; exit 3", "exited with code 3"],
  ])("%s", async (__, end, says) => {
    write(files.events, files.before);
    write(files.limit, `${600 * 2 ** 20}\n`);
    const report = await run(`cat > ${cgroup}/input; ${kills(files, 3)}; ${end}`);
    const error = {
      code: "OOMKilled",
      message: expect.stringMatching(
        new RegExp(`more memory than its limit, 600Mi .*resources\\.memory.*${says}`, "s"),
      ),
      final: false,
    };
    expect(report).toMatchObject({ kind: "fail", error });
  });

  it("was killed before this attempt", async () => {
    write(files.events, files.before);
    expect(await run("cat > /dev/null; kill -KILL $$")).toMatchObject({
      kind: "fail",
      error: { code: "ProgramFailed" },
    });
  });

  it("has no limit of its own", async () => {
    write(files.events, files.before);
    write(files.limit, files === v2 ? "max\n" : "9223372036854771712\n");
    const report = await run(`cat > /dev/null; ${kills(files, 3)}; exit 1`);
    expect(report).toMatchObject({
      error: { code: "OOMKilled", message: expect.stringContaining("than its node has") },
    });
  });
});

it.each([
  ["runner shares its cgroup with others", null],
  ["cgroup cannot be read", "/nowhere"],
])("if a %s, memory is not blamed", async (_, directory) => {
  write(v2.events, v2.before);
  const report = await run(`cat > /dev/null; ${kills(v2, 3)}; kill -KILL $$`, directory);
  expect(report).toMatchObject({ kind: "fail", error: { code: "ProgramFailed" } });
});

it("an attempt that completes is not blamed for a process killed for memory", async () => {
  write(v2.events, v2.before);
  const report = await run(`cat > /dev/null; ${kills(v2, 3)}; echo done`);
  expect(report.kind).toBe("complete");
});

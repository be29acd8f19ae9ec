import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { processStartTime } from "../../../backend/process-groups.ts";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import type { ArtifactProgram } from "../../../backend/runner/programs/program.ts";
import { TaskTimeoutError } from "../../../backend/runner/task-timeout.ts";
import { workingDirectory } from "../../../backend/runner/working-directory.ts";
import { until } from "../../helpers/until.ts";
import { inputPath, lines, MemorySink, newContext, newProgram, shell, type TestContext } from "./harness.ts";

async function run(mapper: ArtifactProgram, input: string, context: TestContext = newContext()): Promise<string> {
  const sink = new MemorySink();
  await mapToText({ mapper, input: lines(input), context, sink });
  return sink.text;
}

test("a program is ended if its process cannot be recorded", async () => {
  const context = newContext();
  const processes = {
    ...context.processes,
    add: (pid: number) => {
      context.processes.add(pid);
      throw new Error("ENOSPC: no space left on device");
    },
  };
  await expect(run(shell("mapper", "exec sleep 1000"), "", { ...context, processes })).rejects.toThrow("ENOSPC");
});

describe("what a program may do", () => {
  test("output passes unchanged, plus a final newline", async () => {
    const context = newContext();
    expect(await run(shell("mapper", "cat; printf end"), "a\r\nb", context)).toBe("a\nb\nend\n");
    expect(context.counters.snapshot().builtin).toEqual({
      mapInputRecords: 2,
      mapInputBytes: 4,
      mapOutputRecords: 3,
      mapOutputBytes: 8,
      outputRecords: 3,
      outputBytes: 8,
    });
  });

  test("it may stop reading early, or not read at all", async () => {
    expect(await run(shell("mapper", "head -n 1"), "first\n".repeat(200_000))).toBe("first\n");
    expect(await run(shell("mapper", "exec <&-; echo done"), "x\n".repeat(200_000))).toBe("done\n");
    expect(await run(shell("mapper", "exit 0"), "x\n".repeat(200_000))).toBe("");
  });

  test("it may close its stdout and keep running", async () => {
    expect(await run(shell("mapper", "echo out; exec >&-; sleep 0.3; exit 0"), "")).toBe("out\n");
    await expect(run(shell("mapper", "echo out; exec >&-; sleep 0.1; exit 3"), "")).rejects.toThrow("code 3");
  });

  test("its standard streams can be opened by name", async () => {
    const context = newContext();
    const script = "echo reporter:counter:g,n,1 > /dev/stderr; cat /dev/stdin > /dev/stdout";
    expect(await run(shell("mapper", script), "a\n", context)).toBe("a\n");
    expect(context.counters.snapshot().user).toEqual({ g: { n: 1 } });
    // Also if all input was written before, and if there is none.
    expect(await run(shell("mapper", "sleep 0.3; cat /dev/stdin; cat /dev/stdin"), "a\n")).toBe("a\n");
    expect(await run(shell("mapper", "sleep 0.3; cat < /dev/stdin"), "")).toBe("");
  });

  test.each([
    ["a background process", "(sleep 0.5; echo late) & echo early", "early\nlate\n"],
    ["one that is silent for long", "(sleep 3; echo late) & echo early", "early\nlate\n"],
    ["a filter behind stdout", "exec > >(sleep 3; tr a-z A-Z); cat", "A\nB\nC\n"],
    ["a session of its own", "setsid sh -c 'sleep 0.5; echo late' & echo early", "early\nlate\n"],
  ])("its stdout is read to the end: %s", async (_, script, output) => {
    const program = newProgram("mapper", "executable", `#!/bin/bash\n${script}\n`);
    expect(await run(program, "a\nb\nc\n")).toBe(output);
  });

  test("processes that do not hold its stdout are not waited for", async () => {
    expect(await run(shell("mapper", "sleep 1000 > /dev/null & echo early"), "")).toBe("early\n");
    expect(await run(shell("mapper", "yes >&2 > /dev/null & echo early"), "")).toBe("early\n");
  });

  test("everything that it wrote to stderr before it ended is read", async () => {
    const context = newContext();
    const script = `sleep 1000 > /dev/null &
      for i in 1 2 3 4 5 6 7 8 9; do echo reporter:counter:g,n,$i >&2; done; echo reporter:status:last >&2`;
    await run(shell("mapper", script), "", context);
    expect(context.counters.snapshot().user).toEqual({ g: { n: 45 } });
    expect(context.statuses).toEqual(["last"]);
  });

  test("its environment is its image's without the runner's own variables, and it has its own folder", async () => {
    const own = ["AWS_SECRET_ACCESS_KEY", "RUNNER_TOKEN_FILE", "WORK_DIR", "https_proxy", "KUBERNETES_SERVICE_HOST"];
    for (const name of own) vi.stubEnv(name, "secret");
    vi.stubEnv("PYTHONPATH", "/opt/of the image");
    const text = await run(shell("mapper", 'env; test "$PWD" = "$HOME" && test "$HOME" = "$TMPDIR" && touch x'), "");
    vi.unstubAllEnvs();
    expect(text).toContain("EDGEFOLD_TASK=job-m-0\n");
    expect(text).toContain(`PATH=${process.env["PATH"]}\n`);
    expect(text).toContain("PYTHONPATH=/opt/of the image\n");
    expect(text).not.toContain("secret");
  });

  test("it reports counters and its status, which are separate from the rest of stderr", async () => {
    const context = newContext();
    const script = `
      echo 'reporter:counter:words, long,2' >&2; echo 'reporter:counter:words,long,3' >&2
      echo 'reporter:counter:words,__proto__,-1' >&2; echo 'reporter:counter:malformed' >&2
      echo 'reporter:status:half way' >&2; printf 'no newline' >&2; exit 1`;
    await expect(run(shell("mapper", script), "", context)).rejects.toThrow(
      /^mapper program exited with code 1: reporter:counter:malformed\nno newline$/,
    );
    expect(Object.entries(context.counters.snapshot().user["words"] ?? {})).toEqual([
      ["long", 5],
      ["__proto__", -1],
    ]);
    expect(context.statuses).toEqual(["half way"]);
  });
});

describe("how it fails", () => {
  test.each<[string, ArtifactProgram["type"], string, RegExp]>([
    ["a code", "executable", "#!/bin/sh\necho reason >&2; exit 7\n", /^mapper program exited with code 7: reason$/],
    [
      "silently",
      "executable",
      "#!/bin/sh\nexit 1\n",
      /^mapper program exited with code 1 and wrote nothing to stderr$/,
    ],
    ["a signal", "executable", "#!/bin/sh\nkill -SEGV $$\n", /^mapper program was ended by SIGSEGV/],
    ["killed", "executable", "#!/bin/sh\nkill -KILL $$\n", /SIGKILL.*lack of memory/],
    ["no shebang", "executable", "print(1)\n", /^mapper program has no first line that names its interpreter/],
    ["no interpreter", "executable", "#!/usr/bin/env nothing-here\n", /needs nothing-here, which is not installed/],
    ["directory", "executable", "#!/tmp\n", /needs \/tmp, which is not installed/],
  ])("%s", async (_, type, source, message) => {
    await expect(run(newProgram("mapper", type, source), "x\n".repeat(100_000))).rejects.toThrow(message);
  });

  test("a relative interpreter lies in the working directory, such as in an archive of the job", async () => {
    const program = newProgram("mapper", "executable", "#!env/bin/tool\necho it runs\n");
    await expect(run(program, "")).rejects.toThrow(/needs env\/bin\/tool, which is not installed/);
    const context = newContext();
    const folder = join(workingDirectory(context), "env/bin");
    mkdirSync(folder, { recursive: true });
    symlinkSync("/bin/sh", join(folder, "tool"));
    expect(await run(program, "", context)).toBe("it runs\n");
  });

  test("without permission to execute", async () => {
    const program = newProgram("mapper", "executable", "#!/bin/sh\n");
    const text = `${program.path}.txt`;
    writeFileSync(text, "#!/bin/sh\n", { mode: 0o644 });
    await expect(run({ ...program, path: text }, "")).rejects.toThrow(/^mapper program could not be started: .*EACCES/);
  });

  test("the tail of a long stderr is kept", async () => {
    const failed = run(
      shell("mapper", "yes 'a long line of complaint' | head -c 1000000 >&2; echo last >&2; exit 1"),
      "",
    );
    const error = await failed.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    const message = error instanceof Error ? error.message : "";
    expect(message).toMatch(/complaint\nlast$/);
    expect(message.length).toBeLessThan(8300);
  });

  test("too much output", async () => {
    const context = newContext({ outputLimit: 1000 });
    await expect(run(shell("mapper", "yes"), "", context)).rejects.toThrow(
      "mapper program writes more than TASK_OUTPUT_LIMIT, 1000 bytes",
    );
  });

  test("too many counters", async () => {
    const script = 'i=0; while [ $i -lt 200 ]; do echo "reporter:counter:g,n$i,1" >&2; i=$((i+1)); done; sleep 1000';
    await expect(run(shell("mapper", script), "")).rejects.toThrow("mapper program reports more than 120 counters");
  });

  test("an error of the input or the sink is not blamed on the program", async () => {
    const context = newContext();
    const input = (async function* () {
      yield { bytes: Buffer.from("a\n"), records: 1, path: inputPath };
      throw new Error("the store is gone");
    })();
    const cat = shell("mapper", "cat");
    await expect(mapToText({ mapper: cat, input, context, sink: new MemorySink() })).rejects.toThrow(
      "the store is gone",
    );
    const sink = { write: () => Promise.reject(new Error("the disk is full")) };
    await expect(mapToText({ mapper: cat, input: lines("a\n"), context, sink })).rejects.toThrow("the disk is full");
  });
});

describe("abort", () => {
  test.each([
    ["a program that ends on SIGTERM", "sleep 1000 & echo ready; wait"],
    ["a program that ignores SIGTERM", "trap '' TERM; echo ready; while :; do sleep 0.2; done"],
  ])("%s", async (_, script) => {
    const stop = new AbortController();
    const context = newContext({ signal: stop.signal });
    const sink = {
      write: (): undefined => {
        stop.abort(new Error("the lease is over"));
      },
    };
    const ended = mapToText({ mapper: shell("mapper", script), input: lines("a\n"), context, sink });
    await expect(ended).rejects.toThrow("the lease is over");
    expect(context.groups.size).toBe(1);
  });

  test("a stdout that is cut off fails, and a timeout says what held it open", async () => {
    const script = "sleep 1000 & echo early";
    for (const [reason, message] of [
      [new Error("the lease is over"), /^the lease is over$/],
      [
        new TaskTimeoutError(7),
        /^The attempt .* 7 s .*\. Its program has ended, but its stdout is held open by .*\d+ \(sleep\)/,
      ],
    ] as const) {
      const stop = new AbortController();
      const context = newContext({ signal: stop.signal });
      const ended = run(shell("mapper", script), "", context);
      const leader = await until("the program's start", () => [...context.groups][0]);
      await until("the program's end", () => processStartTime(leader) === undefined || undefined);
      stop.abort(reason);
      await expect(ended).rejects.toThrow(message);
    }
  });

  test("a failed program's stdout is not waited for", async () => {
    await expect(run(shell("mapper", "sleep 1000 & exit 3"), "")).rejects.toThrow("exited with code 3");
  });

  test("works while the input or the sink hangs, and before the start", async () => {
    const stop = new AbortController();
    const context = newContext({ signal: stop.signal });
    const hangs = new Promise<never>(() => undefined);
    const input = (async function* () {
      yield { bytes: Buffer.alloc(100_000, "a\n"), records: 50_000, path: inputPath };
      await hangs;
    })();
    const sink = {
      write: () => {
        stop.abort(new Error("the lease is over"));
        return hangs;
      },
    };
    const mapper = shell("mapper", "cat");
    await expect(mapToText({ mapper, input, context, sink })).rejects.toThrow("the lease is over");
    await expect(mapToText({ mapper, input: lines(""), context, sink })).rejects.toThrow("the lease is over");
    expect(context.groups.size).toBe(1);
  });
});

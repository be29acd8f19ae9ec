import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { AttemptSchema } from "../../shared/api/attempts.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { onlyRunnerOf } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";

/** What programs say on standard error can be read when they, and their runners, are gone. */

/** Fails at the 3,000th line, after some 5 MB on standard error. */
const verbose = `#!/usr/bin/env python3
import sys
for number, line in enumerate(sys.stdin, 1):
    print(f"line {number} {'x' * 1700}", file=sys.stderr)
    print("reporter:status:at line", number, file=sys.stderr)
    if number == 3000:
        raise ValueError("line 3000 is bad: " + line)
`;

const chatty = `
export const map = (line, emit) => {
  console.log("seen %s", line, { a: [1] });
  console.error("and again");
  emit(line, 1);
};
export const reduce = (key, values, emit) => emit(key, [...values].length);
`;

let edgefold: Edgefold;
beforeAll(async () => {
  edgefold = await Edgefold.start();
  await edgefold.put("data/lines.txt", "a line\n".repeat(5000));
  await edgefold.put("data/line.txt", "a line\n");
  await edgefold.upload("verbose.py", verbose);
  await edgefold.upload("chatty.mjs", chatty, "module");
  await edgefold.upload("lasting.sh", "#!/bin/sh\necho 'before the end' >&2\nexec sleep 1000\n");
  await edgefold.upload("quiet.sh", "#!/bin/sh\ncat\n");
});
afterAll(() => edgefold.stop());

const start = async (mapperName: string, input: string, more: object = {}): Promise<string> => {
  const inputPath = `${edgefold.s3Endpoint}/data/${input}`;
  return (await edgefold.post({ inputPath, mapperName, nReducers: 0, maxAttempts: 1, ...more })).id;
};

const attemptsOf = async (id: string) => {
  const answer = await fetch(`${edgefold.url}/api/v1/jobs/${id}/tasks/${id}-m-0/attempts`);
  return answer.status === 404 ? [] : z.array(AttemptSchema).parse(await answer.json());
};

const logOf = async (id: string, query = "", attempt = 1): Promise<string> => {
  const path = `/api/v1/jobs/${id}/tasks/${id}-m-0/attempts/${attempt}/log${query}`;
  const answer = await fetch(edgefold.url + path);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
  return answer.text();
};

/** The log of a first attempt once it has some. */
const someLogOf = async (id: string): Promise<string> =>
  until(`a log of ${id}`, async () => ((await attemptsOf(id)).length > 0 && (await logOf(id))) || undefined);

describe("the log of an attempt", () => {
  test("has the first lines, the last ones and the traceback of a program that fails", async () => {
    const id = await start("verbose.py", "lines.txt");
    const { error } = await edgefold.ended(id);
    const log = await someLogOf(id);
    expect(log.startsWith("line 1 xxx")).toBe(true);
    expect(log).toMatch(/x\n\[… \d{7} bytes are left out …\]\n|\n\[… \d{7} bytes are left out …\]\n/);
    expect(log).toContain("line 2999 ");
    expect(log.trimEnd().endsWith("ValueError: line 3000 is bad: a line")).toBe(true);
    expect(log).toContain("Traceback");
    expect(log).not.toContain("reporter:");
    expect(Buffer.byteLength(log)).toBeLessThan(1_100_000);
    const [attempt] = await attemptsOf(id);
    expect(attempt?.logBytes).toBeGreaterThan(5_000_000);
    expect(await logOf(id, "?tail=2")).toBe(log.split("\n").slice(-3).join("\n"));
    expect(error?.message.split("\n").length).toBeLessThanOrEqual(20);
  });

  test("has what a module prints", async () => {
    const id = await start("chatty.mjs", "line.txt");
    await edgefold.completed(id);
    expect(await someLogOf(id)).toBe("seen a line { a: [ 1 ] }\nand again\n");
  });

  test("is there of a program that goes on, and of one whose runner was killed", async () => {
    const id = await start("lasting.sh", "line.txt");
    expect(await someLogOf(id)).toBe("before the end\n");
    process.kill(onlyRunnerOf(id), "SIGKILL");
    await until("another attempt", async () => ((await attemptsOf(id)).length > 1 ? true : undefined));
    expect(await logOf(id)).toBe("before the end\n");
    await edgefold.stopJob(id);
    await edgefold.ended(id);
  });

  test("is not kept where the job says so, nor where there is nothing in it", async () => {
    const [silent, quiet] = [
      await start("chatty.mjs", "line.txt", { logs: false }),
      await start("quiet.sh", "line.txt"),
    ];
    for (const id of [silent, quiet]) await edgefold.completed(id);
    await sleep(500);
    for (const id of [silent, quiet]) {
      expect(await attemptsOf(id)).toMatchObject([{ outcome: "won", logBytes: null }]);
      expect(await logOf(id)).toBe("");
    }
  });
});

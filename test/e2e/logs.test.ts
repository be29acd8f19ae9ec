import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { AttemptSchema } from "../../shared/api/attempts.ts";
import { EventSchema, type JournalEvent } from "../../shared/api/events.ts";
import { Edgefold as Client } from "../../client/sdk/index.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { onlyRunnerOf } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";

/** The standard error output of programs can be read after they and their runners are gone. */

/** Fails at line 3,000, after about 5 MB on standard error. */
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

/** Prints "first" and then "last", each once a file of that name appears. */
const waiting = (folder: string): string => `#!/bin/sh
for word in first last; do
  while [ ! -e ${folder}/$word ]; do sleep 0.1; done
  echo "$word" >&2
done
`;

let edgefold: Edgefold;
beforeAll(async () => {
  edgefold = await Edgefold.start();
  await edgefold.put("data/lines.txt", "a line\n".repeat(5000));
  await edgefold.put("data/line.txt", "a line\n");
  await edgefold.upload("verbose.py", verbose);
  await edgefold.upload("chatty.mjs", chatty, "module");
  await edgefold.upload("lasting.sh", "#!/bin/sh\necho 'before the end' >&2\nexec sleep 1000\n");
  await edgefold.upload("waiting.sh", waiting(edgefold.dir));
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

/** Waits until the log of the first attempt is not empty. @returns it */
const someLogOf = async (id: string): Promise<string> =>
  until(`a log of ${id}`, async () => ((await attemptsOf(id)).length > 0 && (await logOf(id))) || undefined);

describe("the log of an attempt", () => {
  test("contains the first lines, the last ones and the traceback of a failed program", async () => {
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

  test("contains what a module prints", async () => {
    const id = await start("chatty.mjs", "line.txt");
    await edgefold.completed(id);
    expect(await someLogOf(id)).toBe("seen a line { a: [ 1 ] }\nand again\n");
  });

  test("is available for a running program, and after its runner was killed", async () => {
    const id = await start("lasting.sh", "line.txt");
    expect(await someLogOf(id)).toBe("before the end\n");
    process.kill(onlyRunnerOf(id), "SIGKILL");
    await until("another attempt", async () => ((await attemptsOf(id)).length > 1 ? true : undefined));
    expect(await logOf(id)).toBe("before the end\n");
    await edgefold.stopJob(id);
    await edgefold.ended(id);
  });

  test("is sent to followers while it grows", async () => {
    const id = await start("waiting.sh", "line.txt");
    await until("an attempt", async () => ((await attemptsOf(id)).length > 0 ? true : undefined));
    const path = `/api/v1/jobs/${id}/tasks/${id}-m-0/attempts/1/log?follow=true`;
    const { body } = await fetch(edgefold.url + path);
    let text = "";
    writeFileSync(join(edgefold.dir, "first"), "");
    for await (const piece of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (text !== "first\n") continue;
      expect(await attemptsOf(id)).toMatchObject([{ outcome: null }]);
      writeFileSync(join(edgefold.dir, "last"), "");
    }
    expect(text).toBe("first\nlast\n");
    expect(await attemptsOf(id)).toMatchObject([{ outcome: "won" }]);
  });

  test("is not kept if the job turns logs off or it is empty", async () => {
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

/** Reads the events after an id, to the end or until there are `most`. */
const readEvents = async (path: string, after: number, most = Infinity): Promise<JournalEvent[]> => {
  const abort = new AbortController();
  const headers = { "last-event-id": String(after) };
  const { body } = await fetch(edgefold.url + path, { headers, signal: abort.signal });
  const events: JournalEvent[] = [];
  let text = "";
  for await (const piece of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const blocks = (text + piece).split("\n\n");
    text = blocks.pop() ?? "";
    const data = blocks.flatMap((block) => /^data: (.*)$/m.exec(block)?.[1] ?? []);
    events.push(...data.map((json) => EventSchema.parse(JSON.parse(json))));
    if (events.length >= most) break;
  }
  abort.abort();
  return events;
};

describe("the events of a job", () => {
  test("arrive once each, even if the connection is lost repeatedly", async () => {
    const id = await start("chatty.mjs", "lines.txt", { reducerName: "chatty.mjs", nReducers: 2, splitSize: 4000 });
    const path = `/api/v1/jobs/${id}/events`;
    const events: JournalEvent[] = [];
    for (let part: JournalEvent[] | undefined; part?.length !== 0;) {
      part = await readEvents(path, events.at(-1)?.id ?? 0, 3);
      events.push(...part);
    }
    expect(events.at(-1)).toMatchObject({ kind: "job", status: "completed" });
    expect(events.map(({ id: number }) => number)).toEqual(events.map((_, i) => i + 1));
    const list = await fetch(edgefold.url + path, { headers: { accept: "application/json" } });
    expect(
      z
        .array(EventSchema)
        .parse(await list.json())
        .slice(0, events.length),
    ).toEqual(events);
    const won = events.flatMap((event) => (event.kind === "task" && event.change === "won" ? [event.task] : []));
    expect(new Set(won).size).toBe(9 + 2);
  });
});

test("the SDK follows a job to its end, across a restart of the Worker", async () => {
  const client = new Client({ url: edgefold.url });
  const folder = join(edgefold.dir, "sdk");
  mkdirSync(folder);
  expect(await client.artifacts.put("sdk.sh", `${waiting(folder)}exec cat\n`)).toMatchObject({ type: "executable" });
  const { id } = await client.jobs.create({
    inputPath: `${edgefold.s3Endpoint}/data/line.txt`,
    outputPath: edgefold.s3Endpoint,
    mapperName: "sdk.sh",
    nReducers: 0,
    inputStorageCredentials: edgefold.keys,
    outputStorageCredentials: edgefold.keys,
  });

  /** Restarts the Worker while the program waits. @returns the log that is followed after the restart */
  const followOverRestart = async (task: string, attempt: number): Promise<string> => {
    writeFileSync(join(folder, "first"), "");
    for await (const piece of client.logs.follow(id, task, attempt)) if (piece === "first\n") break;
    await edgefold.worker?.stop();
    await edgefold.startWorker();
    writeFileSync(join(folder, "last"), "");
    let text = "";
    for await (const piece of client.logs.follow(id, task, attempt)) text += piece;
    return text;
  };
  const events: JournalEvent[] = [];
  const job = client.jobs.wait(id, { onEvent: (event) => events.push(event) });
  let followed: Promise<string> | undefined;
  for await (const event of client.events(id)) {
    if (event.kind !== "task" || event.type !== "mapper" || event.change !== "started") continue;
    followed ??= followOverRestart(event.task, event.attempt);
  }
  expect(await job).toMatchObject({ id, error: null, status: "completed" });
  expect(await followed).toBe("first\nlast\n");
  const { items } = await client.tasks.list(id, { type: "mapper" }).page();
  expect(items).toMatchObject([{ status: "completed" }]);
  const task = items[0]?.id ?? "";
  expect(await client.attempts.get(id, task, 1)).toMatchObject({ outcome: "won" });
  expect(await client.logs.read(id, task, 1, { tail: 1 })).toBe("last\n");
  const parts: Buffer[] = [];
  for await (const part of client.jobs.outputs(id)) parts.push(await edgefold.readAll(part));
  expect(parts.map(String)).toEqual(["a line\n"]);

  const ids = events.map((event) => event.id);
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  expect(events).toEqual(await readEvents(`/api/v1/jobs/${id}/events`, 0));
  await expect(client.jobs.stop(id)).rejects.toMatchObject({ status: 409, type: "urn:edgefold:problem:job-ended" });
});

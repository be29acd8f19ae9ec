import { fstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { MapInput } from "../../../shared/protocol/tasks.ts";
import { countNewlines } from "../../../backend/runner/input/count-newlines.ts";
import { openWholeFile } from "../../../backend/runner/input/whole-file.ts";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import { FileStore } from "../../../backend/storage/file.ts";
import { lines, MemorySink, newContext, shell } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, "input.txt");
const url = pathToFileURL(path).href;
const store = new FileStore([folder]);

const rangeOf = (size: number, overrides: Partial<MapInput[number]> = {}): MapInput[number] => ({
  path: url,
  size,
  etag: "",
  start: 0,
  end: size,
  ...overrides,
});

/** The result for a file with this content; the file must have been closed if there is none. */
const opened = async (
  content: Buffer,
  recordLimit = 1000,
  compression?: "none",
): Promise<{ records: number; bytes: number; isWhole: boolean }> => {
  writeFileSync(path, content);
  let descriptor = -1;
  const whole = await openWholeFile([rangeOf(content.length)], {
    recordLimit,
    compression,
    signal: new AbortController().signal,
    open: async () => {
      const etag = (await store.head({ scheme: "file", path }))?.etag ?? "";
      const file = await store.open({ scheme: "file", path }, etag);
      ({ descriptor } = file);
      return file;
    },
  });
  whole?.check();
  whole?.close();
  if (descriptor >= 0) expect(() => fstatSync(descriptor)).toThrow("EBADF");
  return { records: whole?.records ?? 0, bytes: whole?.bytes ?? 0, isWhole: whole !== undefined };
};

/** The same rule, expressed differently: the file equals its records as a program gets them. */
const expected = async (content: Buffer): Promise<{ records: number; bytes: number; isWhole: boolean }> => {
  let records = 0;
  const parts: Buffer[] = [];
  for await (const batch of lines(content, 1000)) {
    records += countNewlines(batch.bytes);
    parts.push(Buffer.from(batch.bytes));
  }
  const isWhole = Buffer.concat(parts).equals(content);
  return isWhole ? { records, bytes: content.length, isWhole } : { records: 0, bytes: 0, isWhole };
};

test("a file is passed whole exactly if its bytes are its records", async () => {
  const text = fc.array(fc.constantFrom("a", "bc", "é", "\n", "\n", "\r\n", "\r", "\0"), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (parts, ends) => {
      const content = Buffer.from(parts.join("") + (ends ? "\n" : ""));
      const found = await opened(content);
      const wanted = await expected(content);
      // A carriage return within a line would be harmless, but is not distinguished from one at its end.
      if (content.includes("\r")) expect(found.isWhole).toBe(false);
      else expect(found).toEqual(wanted);
    }),
    { numRuns: 300 },
  );
});

test("neither chunks nor lines up to the limit make a difference", async () => {
  const line = `${"x".repeat(999)}\n`;
  const many = Buffer.from(line.repeat(1000));
  expect(await opened(many, 999)).toEqual({ records: 1000, bytes: many.length, isWhole: true });
  expect((await opened(many, 998)).isWhole).toBe(false);
  expect((await opened(Buffer.from(`a\n${"b".repeat(21)}\nc\n`), 20)).isWhole).toBe(false);
  expect((await opened(Buffer.from(`a\n${"b".repeat(20)}\nc\n`), 20)).isWhole).toBe(true);
  const long = Buffer.from(`${line}${"y".repeat(600_000)}\n${line}`);
  expect(await opened(long, 600_000)).toEqual({ records: 3, bytes: long.length, isWhole: true });
  expect((await opened(long, 599_999)).isWhole).toBe(false);
});

test("a file with a byte order mark or in a binary format is not passed whole, unless bytes are requested", async () => {
  for (const content of [Buffer.from("\ufeffone\n"), Buffer.from("\x1f\x8b\x08\n", "latin1")]) {
    expect((await opened(content)).isWhole).toBe(false);
    expect(await opened(content, 1000, "none")).toEqual({ records: 1, bytes: content.length, isWhole: true });
  }
  expect((await opened(Buffer.from("one\n\ufefftwo\n"))).isWhole).toBe(true);
});

test("parts of files, several files, compressed files and remote objects are not passed whole", async () => {
  const options = {
    recordLimit: 100,
    signal: new AbortController().signal,
    open: async (): Promise<never> => expect.unreachable("nothing is to be opened"),
  };
  const inputs = [
    [rangeOf(10, { start: 2 })],
    [rangeOf(10, { end: 8 })],
    [rangeOf(10), rangeOf(10)],
    [rangeOf(10, { path: `${url}.gz` })],
  ];
  for (const input of inputs) expect(await openWholeFile(input, options)).toBeUndefined();
  expect(await openWholeFile([rangeOf(10)], { ...options, open: async () => undefined })).toBeUndefined();
});

test("the program reads the file itself, and the map fails if the file changes meanwhile", async () => {
  const content = Buffer.from("b\na\nb\n");
  writeFileSync(path, content);
  const etag = (await store.head({ scheme: "file", path }))?.etag ?? "";
  const open = (): ReturnType<FileStore["open"]> => store.open({ scheme: "file", path }, etag);
  const run = async (script: string): Promise<string> => {
    const context = newContext();
    const { signal } = context;
    const file = await openWholeFile([rangeOf(content.length)], { recordLimit: 100, signal, open });
    const sink = new MemorySink();
    try {
      await mapToText({ mapper: shell("mapper", script), input: lines(""), file, context, sink });
    } finally {
      file?.close();
    }
    expect(context.counters.snapshot().builtin).toMatchObject({ mapInputRecords: 3, mapInputBytes: 6 });
    return sink.text;
  };
  expect(await run("sort /dev/stdin | uniq -c | tr -d ' '")).toBe("1a\n2b\n");
  expect(await run("head -n 1")).toBe("b\n");
  await expect(run(`cat; echo more >> '${path}'`)).rejects.toMatchObject({ code: "ObjectChanged" });
});

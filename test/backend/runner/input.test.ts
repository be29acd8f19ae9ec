import { Readable } from "node:stream";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readRecords, type RecordBatch } from "../../../backend/runner/input/record-batches.ts";
import { readSplit } from "../../../backend/runner/input/split-reader.ts";
import type { ByteRange } from "../../../backend/storage/store.ts";
import { chunks, inputPath as path } from "./harness.ts";

/** Any bytes are records. */
const compression = "none" as const;

const line = fc.oneof(
  fc.constantFrom("", "\r", "\0", "a\rb", "\tvalue", "key\tvalue", "ÿþ"),
  fc.string({ maxLength: 12 }).map((text) => text.replaceAll("\n", "")),
);
const content = fc
  .tuple(fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n"))), line)
  .map(([all, last]) => Buffer.from(all.map((pair) => pair.join("")).join("") + last, "latin1"));

/** The same rule, expressed differently: cut at newlines, drop a CR at the end of a line, include a last line without newline. */
function expected(bytes: Buffer): string[] {
  const text = bytes.toString("latin1");
  const parts = text.split("\n");
  const last = parts.pop() ?? "";
  return [...parts, ...(last === "" ? [] : [last])].map((part) => part.replace(/\r$/, ""));
}

async function records(batches: AsyncIterable<RecordBatch>): Promise<string[]> {
  const all: string[] = [];
  for await (const { bytes } of batches) {
    const text = bytes.toString("latin1");
    expect(text.endsWith("\n")).toBe(true);
    all.push(...text.slice(0, -1).split("\n"));
  }
  return all;
}

function opener(bytes: Buffer, opened: ByteRange[] = []): (range: ByteRange) => Promise<Readable> {
  return async (range) => {
    expect(range.start).toBeLessThan(range.end);
    expect(range.end).toBeLessThanOrEqual(bytes.length);
    opened.push(range);
    return Readable.from(chunks(bytes.subarray(range.start, range.end), 3));
  };
}

test("the splits of an object yield each record once and in order, whatever their sizes", async () => {
  await fc.assert(
    fc.asyncProperty(content, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), async (bytes, sizes) => {
      const all: string[] = [];
      for (let start = 0, split = 0; start < bytes.length; split++) {
        const end = Math.min(start + (sizes[split % sizes.length] ?? 1), bytes.length);
        const source = { start, end, size: bytes.length, path, recordLimit: 1000, compression, open: opener(bytes) };
        all.push(...(await records(readSplit(source))));
        start = end;
      }
      expect(all).toEqual(expected(bytes));
    }),
    { numRuns: 300 },
  );
});

test("a stream yields the same records, whatever its chunks", async () => {
  await fc.assert(
    fc.asyncProperty(content, fc.integer({ min: 1, max: 50 }), async (bytes, length) => {
      const source = { path, recordLimit: 1000, compression };
      expect(await records(readRecords(Readable.from(chunks(bytes, length)), source))).toEqual(expected(bytes));
    }),
  );
});

test("a record belongs to the split of its first byte, and nothing unnecessary is read", async () => {
  const bytes = Buffer.from(`one\n${"x".repeat(200_000)}\nthree\n`);
  const read = async (start: number, end: number): Promise<{ lengths: number[]; opened: ByteRange[] }> => {
    const opened: ByteRange[] = [];
    const source = { start, end, size: bytes.length, path, recordLimit: 1e6, open: opener(bytes, opened) };
    return { lengths: (await records(readSplit(source))).map(({ length }) => length), opened };
  };
  expect(await read(0, 4)).toEqual({ lengths: [3], opened: [{ start: 0, end: 4 }] });
  expect(await read(5, 10)).toEqual({ lengths: [], opened: [{ start: 4, end: 10 }] });
  const long = await read(4, 5);
  expect(long.lengths).toEqual([200_000]);
  expect(long.opened.map(({ end, start }) => end - start)).toEqual([2, 65_536, 131_072, 3398]);
  expect(await read(bytes.length - 1, bytes.length)).toMatchObject({ lengths: [] });
});

test("a line over the limit is reported with its offset, within a chunk and across chunks", async () => {
  const bytes = Buffer.from(`ok\n${"x".repeat(11)}\nok\n`);
  const message = `${path}: the input line at byte 3 is longer than RECORD_LIMIT, 10 bytes`;
  for (const length of [4, 100]) {
    await expect(records(readRecords(Readable.from(chunks(bytes, length)), { path, recordLimit: 10 }))).rejects.toThrow(
      message,
    );
  }
  const split = { start: 2, end: 5, size: bytes.length, path, recordLimit: 10, open: opener(bytes) };
  await expect(records(readSplit(split))).rejects.toThrow(message);
  expect(await records(readRecords(Readable.from([bytes]), { path, recordLimit: 11 }))).toHaveLength(3);
});

const mark = "\xef\xbb\xbf";

test("a byte order mark is dropped at the beginning of an object, however it is cut, and only there", async () => {
  const text = `${mark}one\n${mark}two\n${"x".repeat(1000)}\n`;
  const bytes = Buffer.from(text, "latin1");
  const lines = ["one", `${mark}two`, "x".repeat(1000)];
  for (const length of [1, 2, 3, 4, 512, 2000]) {
    const source = { path, recordLimit: 1000 };
    expect(await records(readRecords(Readable.from(chunks(bytes, length)), source))).toEqual(lines);
  }
  for (const size of [1, 2, 3, 5, 700]) {
    const all: string[] = [];
    for (let start = 0; start < bytes.length; start += size) {
      const end = Math.min(start + size, bytes.length);
      const source = { start, end, size: bytes.length, path, recordLimit: 1000, open: opener(bytes) };
      all.push(...(await records(readSplit(source))));
    }
    expect(all, `splits of ${size}`).toEqual(lines);
  }
  const asStored = { path, recordLimit: 1003, compression };
  expect(await records(readRecords(Readable.from([bytes]), asStored))).toEqual([`${mark}one`, ...lines.slice(1)]);
});

test.each([
  [mark, []],
  [`${mark}\n`, [""]],
  [`${mark}${mark}a`, [`${mark}a`]],
  ["\xef\xbb", ["\xef\xbb"]],
  ["a\xef\xbb\xbf", ["a\xef\xbb\xbf"]],
])("of %j the records are %j", async (text, lines) => {
  const source = { path, recordLimit: 1000 };
  expect(await records(readRecords(Readable.from([Buffer.from(text, "latin1")]), source))).toEqual(lines);
});

test("the offset of a line over the limit includes the byte order mark", async () => {
  const bytes = Buffer.from(`${mark}ok\n${"x".repeat(11)}\n`, "latin1");
  await expect(records(readRecords(Readable.from([bytes]), { path, recordLimit: 10 }))).rejects.toThrow("at byte 6 is");
});

test("a store that sends less than requested does not count as the end of the input", async () => {
  const source = {
    start: 0,
    end: 10,
    size: 10,
    path,
    recordLimit: 10,
    open: async () => Readable.from([Buffer.from("a\n")]),
  };
  await expect(records(readSplit(source))).rejects.toThrow(`${path}: the bytes 0 to 10 were asked for, 2 came`);
});

test("a reader that stops early closes the stream", async () => {
  const stream = Readable.from(chunks(Buffer.alloc(100_000, "a\n"), 10));
  for await (const _ of readSplit({
    start: 0,
    end: 100_000,
    size: 100_000,
    path,
    recordLimit: 10,
    open: async () => stream,
  })) {
    break;
  }
  expect(stream.destroyed).toBe(true);
});

import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { gathered } from "../../../backend/runner/input/gathered.ts";
import { InputAhead } from "../../../backend/runner/input/input-ahead.ts";
import type { InputSource } from "../../../backend/runner/input/range-reader.ts";
import type { RecordBatch } from "../../../backend/runner/input/record-batches.ts";
import { readInput } from "../../../backend/runner/input/task-input.ts";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import type { ByteRange } from "../../../backend/storage/store.ts";
import type { InputRange } from "../../../shared/protocol/tasks.ts";
import { bzip2Fixtures } from "../storage/bzip2-fixtures.ts";
import { chunks, MemorySink, newContext, newProgram, shell } from "./harness.ts";

const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeEach(() => void process.on("unhandledRejection", note));
afterEach(async () => {
  await setImmediate();
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

/** Objects in memory, with a record of what was opened. */
class Objects {
  readonly streams: Readable[] = [];
  readonly opened: string[] = [];
  readonly #contents: ReadonlyMap<string, Buffer | Error>;

  /** @param contents an error is thrown when the object is opened */
  constructor(contents: Readonly<Record<string, string | Buffer | Error>>) {
    this.#contents = new Map(
      Object.entries(contents).map(([path, content]) => [
        path,
        typeof content === "string" ? Buffer.from(content) : content,
      ]),
    );
  }

  /** The ranges of the whole objects. */
  get ranges(): InputRange[] {
    return [...this.#contents].map(([path, content]) => {
      const size = content instanceof Error ? 1 : content.length;
      return { path, size, etag: "", start: 0, end: size };
    });
  }

  get source(): InputSource {
    return { recordLimit: 100, open: (range, bytes) => this.#open(range, bytes) };
  }

  read(ranges = this.ranges): AsyncGenerator<RecordBatch, void, void> {
    return readInput(ranges, this.source);
  }

  async #open({ path }: InputRange, bytes?: ByteRange): Promise<Readable> {
    this.opened.push(path);
    await setImmediate();
    const content = this.#contents.get(path);
    if (content === undefined || content instanceof Error) throw content ?? new Error(`no object ${path}`);
    const part = bytes === undefined ? content : content.subarray(bytes.start, bytes.end);
    const stream = Readable.from(chunks(part, 3));
    this.streams.push(stream);
    return stream;
  }

  /** Waits until everything that was opened is closed. */
  async closed(): Promise<void> {
    for (const stream of this.streams) {
      expect(stream.destroyed).toBe(true);
      // Not `once`, which rejects with a stream's error if it is closed before its end.
      while (!stream.closed) await setImmediate();
    }
  }
}

const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`o${n}`, `${n}\n`]));

/** The input read, as `path: lines`. */
async function read(batches: AsyncIterable<RecordBatch>): Promise<string[]> {
  const all: string[] = [];
  for await (const { path, bytes } of batches) {
    for (const line of bytes.toString().split("\n").slice(0, -1)) all.push(`${path}: ${line}`);
  }
  return all;
}

test("several objects are read one after another, and no two share a line", async () => {
  const objects = new Objects({
    a: "one\ntwo",
    "b.gz": gzipSync("three\r\nfour"),
    c: "\n",
    "d.zst": zstdCompressSync("five\r"),
    e: "six\n",
    "f.gz": gzipSync(""),
    g: "seven",
  });
  const expected = ["a: one", "a: two", "b.gz: three", "b.gz: four", "c: ", "d.zst: five", "e: six", "g: seven"];
  expect(await read(objects.read())).toEqual(expected);
  await objects.closed();
});

test("each object loses its own byte order mark, compressed or not", async () => {
  const objects = new Objects({
    a: "\ufeffone\n\ufefftwo\n",
    "b.gz": gzipSync("\ufeffthree\n"),
    "C.ZST": zstdCompressSync("\ufefffour"),
    "d.bz2": bzip2Fixtures.one.compressed,
    e: "\ufeff",
  });
  const expected = ["a: one", "a: \ufefftwo", "b.gz: three", "C.ZST: four", "d.bz2: one"];
  expect(await read(objects.read())).toEqual(expected);
  await objects.closed();
});

test("ranges within objects yield only their own records", async () => {
  const objects = new Objects({ a: "first\nsecond\nthird\n", b: "x\ny" });
  const [a, b] = objects.ranges;
  if (a === undefined || b === undefined) throw new Error("there are two objects");
  const ranges = [
    { ...a, start: 3, end: 7 },
    { ...b, start: 1, end: 3 },
    { ...a, start: 13, end: a.size },
  ];
  expect(await read(objects.read(ranges))).toEqual(["a: second", "b: y", "a: third"]);
  await objects.closed();
});

test("a few objects are opened ahead, each once", async () => {
  const objects = new Objects(many(100));
  const batches = objects.read();
  await batches.next();
  expect(objects.opened.length).toBeGreaterThan(4);
  expect(objects.opened.length).toBeLessThan(20);
  for await (const _ of batches);
  expect(objects.opened).toEqual(Object.keys(many(100)));
});

test("a reader that stops early closes everything open, including what is still being opened", async () => {
  for (const stop of [1, 3, 50]) {
    const packed = { "p.gz": gzipSync("p"), "p.zst": zstdCompressSync("p") };
    const objects = new Objects({ o0: "0\n", ...packed, ...many(100) });
    let batches = 0;
    for await (const _ of objects.read()) if (++batches === stop) break;
    expect(objects.streams).toHaveLength(objects.opened.length);
    expect(objects.opened.length).toBeLessThan(100);
    await objects.closed();
  }
});

test("an error is raised when its range's turn comes, and everything is closed", async () => {
  for (const third of [new Error("o2: there is no such object"), gzipSync("o2").subarray(0, 15)]) {
    const objects = new Objects({
      ...many(2),
      [third instanceof Error ? "o2" : "o2.gz"]: third,
      o3: "3",
      o4: "4",
    });
    const lines: string[] = [];
    const failed = (async () => {
      for await (const { path, bytes } of objects.read()) {
        lines.push(`${path}: ${bytes.toString()}`);
        // Long enough for the objects opened ahead to fail meanwhile.
        for (let turn = 0; turn < 20; turn++) await setImmediate();
      }
    })();
    await expect(failed).rejects.toThrow(/^o2/);
    expect(lines).toEqual(["o0: 0\n", "o1: 1\n"]);
    await objects.closed();
  }
  const later = new Objects({ ...many(2), o2: new Error("never seen") });
  for await (const _ of later.read()) break;
  await later.closed();
});

test("a long line is reported with its object", async () => {
  const objects = new Objects({ a: "x\n", b: `ok\n${"x".repeat(101)}\n` });
  await expect(read(objects.read())).rejects.toThrow(/^b: the input line at byte 3 is longer than RECORD_LIMIT/);
  await objects.closed();
});

test("an input that is opened ahead is read by the attempt that takes it, and opened once", async () => {
  const objects = new Objects(many(30));
  const ahead = new InputAhead();
  ahead.open(objects.ranges.slice(0, 8), () => objects.source);
  await setImmediate();
  expect(objects.opened).toHaveLength(8);
  const opened = ahead.take(objects.ranges, new AbortController().signal);
  expect(opened).toBeDefined();
  const expected = Object.keys(many(30));
  expect(await read(readInput(objects.ranges, objects.source, opened))).toEqual(expected.map((o, i) => `${o}: ${i}`));
  expect(objects.opened).toEqual(expected);
  expect([ahead.bytes, ahead.take(objects.ranges, new AbortController().signal)]).toEqual([0, undefined]);
  await objects.closed();
});

test("an input that was opened ahead is closed if the runner is given another one, or another is opened", async () => {
  const objects = new Objects(many(12));
  const signals: AbortSignal[] = [];
  const sourceOf = (signal: AbortSignal): InputSource => {
    signals.push(signal);
    return objects.source;
  };
  const ahead = new InputAhead();
  ahead.open(objects.ranges.slice(0, 2), sourceOf);
  expect(ahead.take(objects.ranges.slice(1), new AbortController().signal)).toBeUndefined();
  ahead.open(objects.ranges.slice(2, 4), sourceOf);
  ahead.open(objects.ranges.slice(4, 6), sourceOf);
  ahead.discard();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  expect(objects.streams).toHaveLength(6);
  await objects.closed();
});

test("an attempt that ends ends the requests of the input that it has taken", () => {
  const objects = new Objects({ a: new Error("never read") });
  const ahead = new InputAhead();
  const signals: AbortSignal[] = [];
  const open = (): void =>
    ahead.open(objects.ranges, (signal) => {
      signals.push(signal);
      return objects.source;
    });
  open();
  const attempt = new AbortController();
  expect(ahead.take(objects.ranges, attempt.signal)).toBeDefined();
  expect(signals[0]?.aborted).toBe(false);
  const reason = new Error("revoked");
  attempt.abort(reason);
  open();
  ahead.take(objects.ranges, attempt.signal);
  expect(signals.map((signal) => signal.reason)).toEqual([reason, reason]);
});

const batch = (length: number): RecordBatch => ({
  bytes: Buffer.alloc(length, "a\n"),
  path: "",
});

test("small batches are joined for an executable, large ones stay unchanged", async () => {
  const given = [10, 65_520, 4, 4, 100_000, 65_536, 2, 2].map(batch);
  const got: Buffer[] = [];
  for await (const bytes of gathered(Readable.from(given))) got.push(bytes);
  expect(got.map(({ length }) => length)).toEqual([65_534, 4, 100_000, 65_536, 4]);
  expect(got[2]).toBe(given[4]?.bytes);
  expect(Buffer.concat(got).equals(Buffer.concat(given.map(({ bytes }) => bytes)))).toBe(true);
});

test("an executable gets everything, a module the path of each record", async () => {
  const objects = new Objects({ "http://s/a": "1\n2", "http://s/b": "3", "http://s/c": "4\n" });
  const run = async (mapper: Parameters<typeof mapToText>[0]["mapper"]): Promise<string> => {
    const sink = new MemorySink();
    await mapToText({ mapper, input: objects.read(), context: newContext(), sink });
    return sink.text;
  };
  expect(await run(shell("mapper", "cat"))).toBe("1\n2\n3\n4\n");
  const source = `const contexts = new Set();
    export async function map(line, emit, context) {
      contexts.add(context);
      await null;
      emit(line, context.inputPath + " " + contexts.size);
    }`;
  expect(await run(newProgram("mapper", "module", source))).toBe(
    "1\thttp://s/a 1\n2\thttp://s/a 1\n3\thttp://s/b 2\n4\thttp://s/c 3\n",
  );
  const failing = "export const map = (line) => { if (line === '2') throw new Error('no') }";
  await expect(run(newProgram("mapper", "module", failing))).rejects.toThrow(
    "failed at record 2 of its input from http://s/a: Error: no",
  );
});

import { Readable } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reduceSegments } from "../../../backend/runner/tasks/reduce.ts";
import { SegmentVerifier } from "../../../backend/runner/shuffle/segment-verifier.ts";
import type { SegmentSource } from "../../../backend/runner/shuffle/fetch-segments.ts";
import { ShuffleLostError } from "../../../backend/runner/shuffle/shuffle-lost.ts";
import { StorageError } from "../../../backend/storage/store.ts";
import {
  chunks,
  type MapOutput,
  MemorySink,
  newContext,
  newFolder,
  newProgram,
  runMap,
  shell,
  sources,
} from "./harness.ts";

async function output(map: number, records = 2000): Promise<MapOutput> {
  return runMap(shell("mapper", `seq -f 'map-${map}-%g' ${records}`), "", 1, newContext());
}

describe("a damaged segment counts as lost, and its map is named", () => {
  const damages: [string, (bytes: Buffer) => Buffer][] = [
    ["a changed byte", (bytes) => flip(bytes, bytes.length >> 1)],
    ["a changed header", (bytes) => flip(bytes, 4)],
    ["a changed length", (bytes) => flip(bytes, 2)],
    ["a changed end", (bytes) => flip(bytes, bytes.length - 8)],
    ["a missing end", (bytes) => bytes.subarray(0, -12)],
    ["a missing byte", (bytes) => bytes.subarray(0, -1)],
    ["only a header", (bytes) => bytes.subarray(0, 12)],
    ["more at the end", (bytes) => Buffer.concat([bytes, Buffer.from("x")])],
    ["zeros", (bytes) => Buffer.alloc(bytes.length)],
  ];
  test.each(damages)("%s", async (_, damage) => {
    const outputs = [await output(0), await output(1), await output(2)];
    const executable = shell("reducer", "echo started; cat");
    // A module must not be able to catch an error in the data.
    const module = newProgram(
      "reducer",
      "module",
      "export const reduce = (key, values, emit) => { try { for (const value of values) emit(key, value); } catch {} };",
    );
    for (const sortBuffer of [10_000, 10_000_000]) {
      for (const map of [0, 2]) {
        const damaged = outputs.map((whole, index) => {
          if (index !== map) return whole;
          const object = damage(Buffer.from(whole.object));
          return { object, index: { ...whole.index, lengths: [object.length] } };
        });
        for (const [isLocal, reducer] of [
          [false, executable],
          [true, executable],
          [true, module],
        ] as const) {
          const context = newContext({ sortBuffer, mergeFactor: 2 });
          const sink = new MemorySink();
          const segments = sources(damaged, 0, () => isLocal);
          const error: unknown = await reduceSegments({ reducer, segments, context, sink }).catch(
            (thrown: unknown) => thrown,
          );
          expect(error).toBeInstanceOf(ShuffleLostError);
          expect(error).toMatchObject({ map });
          if (!isLocal) expect(sink.bytes, "nothing of a lost shuffle reaches the reducer").toHaveLength(0);
        }
      }
    }
  });

  test("no other content is accepted", async () => {
    const { object } = await output(0, 30);
    await fc.assert(
      fc.asyncProperty(fc.nat(object.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        expect(() => verify(object)).not.toThrow();
        const changed = Buffer.from(object);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(() => verify(changed)).toThrow(/^the segment/);
        expect(() => verify(object.subarray(0, at))).toThrow("the segment ends too early");
      }),
    );
  });
});

/** The error of a reduce whose second map stored its output at `at`. */
async function failure(at: SegmentSource["at"], length?: number, reducer = shell("reducer", "cat")): Promise<unknown> {
  const whole = await output(0, 10);
  const good = { length: whole.object.length, largestBlock: whole.index.largestBlock };
  const segments = [
    { map: 0, ...good, at: { open: async () => Readable.from([whole.object]) } },
    { map: 1, ...good, length: length ?? good.length, at },
  ];
  // in memory, and in a file
  const failures = await Promise.all(
    [10_000_000, 1000].map((sortBuffer) =>
      reduceSegments({ reducer, segments, context: newContext({ sortBuffer }), sink: new MemorySink() }).catch(
        (error: unknown) => error,
      ),
    ),
  );
  expect(String(failures[1])).toBe(String(failures[0]));
  return failures[0];
}

const failing = (code: string, status?: number) => ({
  open: () => Promise.reject(new StorageError(code, `no (${code})`, { status })),
});

test("a segment of the wrong length counts as lost", async () => {
  const { object } = await output(0, 10);
  const open = async (): Promise<Readable> => Readable.from([object]);
  expect(String(await failure({ open }, object.length + 1))).toContain("the segment is shorter than it was");
  expect(String(await failure({ open }, object.length - 1))).toContain("the segment is longer than it was");
});

test.each(["NoSuchKey", "InvalidRange"])("a segment counts as lost if the store says %s", async (code) => {
  const error = await failure(failing(code));
  expect(error).toBeInstanceOf(ShuffleLostError);
  expect(error).toMatchObject({ map: 1, message: `the output of map 1 is lost: no (${code})` });
});

test.each([
  ["AccessDenied", 403],
  ["ExpiredToken", 400],
  ["InvalidAccessKeyId", 403],
  ["NoSuchBucket", 404],
  ["SlowDown", 503],
  ["InternalError", 500],
  ["ECONNRESET", undefined],
  ["TruncatedBody", undefined],
])("a segment does not count as lost if the store says %s", async (code, status) => {
  expect(await failure(failing(code, status))).toMatchObject({ name: "StorageError", code });
});

const openBroken = async (): Promise<Readable> =>
  new Readable({
    read() {
      this.destroy(new StorageError("TruncatedBody", "connection reset"));
    },
  });

test("a segment does not count as lost if its stream breaks off", async () => {
  expect(await failure({ open: openBroken })).toMatchObject({ code: "TruncatedBody" });
});

describe("a segment in a file", () => {
  const module = newProgram(
    "reducer",
    "module",
    "export const reduce = (key, values, emit) => { for (const value of values) emit(key, value); };",
  );

  test("counts as lost if there is no such file", async () => {
    for (const reducer of [undefined, module]) {
      const error = await failure({ path: "/nowhere/output", offset: 0 }, undefined, reducer);
      expect(error).toBeInstanceOf(ShuffleLostError);
      expect(error).toMatchObject({ map: 1 });
    }
  });

  test("does not count as lost if this machine cannot read it", async () => {
    for (const reducer of [undefined, module]) {
      const error = await failure({ path: newFolder(), offset: 0 }, undefined, reducer);
      expect(error).toMatchObject({ name: "StorageError", code: "EISDIR" });
    }
  });
});

test("an abort while a segment hangs does not count as a loss", async () => {
  const stop = new AbortController();
  const context = newContext({ signal: stop.signal });
  const open = async (): Promise<Readable> => {
    setImmediate(() => stop.abort(new Error("the lease is over")));
    return new Readable({ read: () => undefined });
  };
  const segments = [{ map: 0, length: 100, largestBlock: 100, at: { open } }];
  const ended = reduceSegments({ reducer: shell("reducer", "cat"), segments, context, sink: new MemorySink() });
  await expect(ended).rejects.toThrow("the lease is over");
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

function verify(segment: Buffer): void {
  const verifier = new SegmentVerifier();
  for (const chunk of chunks(segment, 7)) verifier.push(chunk);
  verifier.end();
}

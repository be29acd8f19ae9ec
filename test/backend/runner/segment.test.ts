import { Readable } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reduceSegments } from "../../../backend/runner/reduce.ts";
import { SegmentVerifier } from "../../../backend/runner/shuffle/segment-verifier.ts";
import { ShuffleLostError } from "../../../backend/runner/shuffle/shuffle-lost.ts";
import { chunks, type MapOutput, MemorySink, newContext, newProgram, runMap, shell, sources } from "./harness.ts";

async function output(map: number, records = 2000): Promise<MapOutput> {
  return runMap(shell("mapper", `seq -f 'map-${map}-%g' ${records}`), "", 1, newContext());
}

describe("a damaged segment is lost, and its map named", () => {
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
    // An error in the data is not the module's to forgive.
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

  test("no other content is taken for it", async () => {
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

test("a segment that cannot be opened, breaks off or has another length than it should", async () => {
  const whole = await output(0, 10);
  const context = newContext();
  const broken = new Readable({
    read() {
      this.destroy(new Error("connection reset"));
    },
  });
  const [good] = sources([whole], 0);
  const { length } = whole.object;
  const cases = [
    { open: () => Promise.reject(new Error("NoSuchKey")), length, message: "the output of map 1 is lost: NoSuchKey" },
    { open: async () => broken, length, message: "the output of map 1 is lost: connection reset" },
    { open: async () => Readable.from([whole.object]), length: length + 1, message: "shorter than it was" },
    { open: async () => Readable.from([whole.object]), length: length - 1, message: "longer than it was" },
  ];
  for (const { open, length: said, message } of cases) {
    const { largestBlock } = whole.index;
    const segments = [
      { map: 0, length: good?.length ?? 0, largestBlock, at: { open: async () => Readable.from([whole.object]) } },
      { map: 1, length: said, largestBlock, at: { open } },
    ];
    const reducer = shell("reducer", "cat");
    await expect(reduceSegments({ reducer, segments, context, sink: new MemorySink() })).rejects.toThrow(message);
  }
});

test("an abort while a segment hangs is no loss", async () => {
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

import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashKey, partitionOf } from "../../helpers/partition.ts";
import type { AttemptContext } from "../../../backend/runner/attempt-context.ts";
import { type MapOutput, newContext, newProgram, runMap, runReduce, shell } from "./harness.ts";

/** Emits lines unchanged, split at the first tab. */
const identityMapper = `export const encoding = "bytes";
export function map(line, emit) {
  const tab = line.indexOf(9);
  if (tab === -1) emit(line); else emit(line.subarray(0, tab), line.subarray(tab + 1));
}`;
/** Emits each key and its values in hexadecimal, so that any bytes can be compared. */
const hexReducer = `export const encoding = "bytes";
export function reduce(key, values, emit) {
  emit(key.toString("hex"), Array.from(values, (value) => value.toString("hex")).join());
}`;

/** A map task's lines, in latin1: any bytes except newlines. */
const part = fc.oneof(
  fc.constantFrom(
    "",
    "\0",
    "a",
    "a\0",
    "\xff\xfe",
    "key",
    "key-of-a-good-length-a",
    "key-of-a-good-length-b",
    "\r",
    "é",
  ),
  fc.string({ maxLength: 9 }).map((text) => Buffer.from(text).toString("latin1").replaceAll("\n", "")),
);
const mapLines = fc.array(
  fc.tuple(part, fc.constantFrom("\t", "\t", ""), part).map(([key, tab, value]) => `${key}${tab}${value}`),
  { maxLength: 60 },
);

/** The whole job, done with strings and sorting. @returns `key TAB values` lines in hexadecimal, by partition */
function reference(maps: readonly (readonly string[])[], partitions: number): string[] {
  const groups = new Map<string, string[]>();
  for (const line of maps.flat().map((text) => text.replace(/\r$/, ""))) {
    const [key = "", ...values] = line.split("\t");
    const name = hex(key);
    groups.set(name, [...(groups.get(name) ?? []), hex(values.join("\t"))]);
  }
  const outputs = Array.from({ length: partitions }, () => "");
  for (const key of [...groups.keys()].sort()) {
    const bytes = Buffer.from(key, "hex");
    const partition = partitionOf(hashKey(bytes, 0, bytes.length), partitions);
    const values = groups.get(key)?.join() ?? "";
    outputs[partition] += values === "" ? `${key}\n` : `${key}\t${values}\n`;
  }
  return outputs;
}

function hex(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}

async function wholeJob(
  maps: readonly (readonly string[])[],
  partitions: number,
  options: Partial<AttemptContext>,
): Promise<{ results: string[]; spilled: number }> {
  const mapper = newProgram("mapper", "module", identityMapper);
  const reducer = newProgram("reducer", "module", hexReducer);
  const outputs: MapOutput[] = [];
  let spilled = 0;
  const context = (): AttemptContext => newContext(options);
  for (const all of maps) {
    const own = context();
    outputs.push(await runMap(mapper, Buffer.from(all.map((line) => `${line}\n`).join(""), "latin1"), partitions, own));
    spilled += own.counters.snapshot().builtin.spilledRecords ?? 0;
  }
  const results: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const own = context();
    results.push((await runReduce(reducer, outputs, partition, own)).toString());
    spilled += own.counters.snapshot().builtin.spilledRecords ?? 0;
  }
  return { results, spilled };
}

/**
 * Reduces segments of this many KiB with a sort buffer of 4 MiB and a merge factor of 10.
 * @returns the bytes of a segment, and the bytes written to disk while reducing
 */
async function reduced(maps: number, KiB: number): Promise<{ segment: number; spilled: number }> {
  const mapper = newProgram("mapper", "module", identityMapper);
  const reducer = newProgram("reducer", "module", hexReducer);
  const lines = Array.from({ length: KiB }, () => `key\t${randomBytes(768).toString("base64")}\n`);
  const output = await runMap(mapper, lines.join(""), 1, newContext({ sortBuffer: 4 * 1024 * 1024 }));
  const outputs = Array.from({ length: maps }, () => output);
  const context = newContext({ sortBuffer: 4 * 1024 * 1024 });
  await runReduce(reducer, outputs, 0, context, () => true);
  return { segment: output.object.length, spilled: context.counters.snapshot().builtin.spilledBytes ?? 0 };
}

describe("map, shuffle and reduce", () => {
  test("yield each key once and in order, with its values in order, whatever the memory", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(mapLines, { maxLength: 4 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(1, 100, 500, 1e6),
        fc.integer({ min: 2, max: 4 }),
        async (maps, partitions, sortBuffer, mergeFactor) => {
          const { results } = await wholeJob(maps, partitions, { sortBuffer, mergeFactor });
          expect(results).toEqual(reference(maps, partitions));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("can take several passes of merging", async () => {
    const maps = [0, 1, 2].map((map) => Array.from({ length: 400 }, (_, i) => `${(i * 7) % 50}\t${map}-${i}`));
    const { results, spilled } = await wholeJob(maps, 2, { sortBuffer: 1000, mergeFactor: 2 });
    expect(results).toEqual(reference(maps, 2));
    // Each of the 1200 records was rewritten at least twice on either side.
    expect(spilled).toBeGreaterThan(4 * 1200);
  });

  describe("segments on this machine", () => {
    test.each([
      ["are merged where they lie", 10, 380],
      ["are so where they are small, too", 10, 20],
      ["are held in memory where they are small and many", 40, 20],
    ])("%s, and not written again", async (_, maps, KiB) => {
      expect(await reduced(maps, KiB)).toMatchObject({ spilled: 0 });
    });

    test("are merged in several passes if there are too many, but no more of them than necessary", async () => {
      const { segment, spilled } = await reduced(13, 380);
      expect(spilled).toBeGreaterThan(segment);
      // Four of them become one; on disk they are not compressed.
      expect(spilled).toBeLessThan(6 * segment);
    });
  });

  test("handle a single key, long keys, and a value of 5 MB", async () => {
    const long = "x".repeat(5_000_000);
    const maps = [
      [`k\t${long}`, "k\t1"],
      [`${long}\tv`, `${long}a\tv`, "k\t2"],
    ];
    const { results } = await wholeJob(maps, 3, { sortBuffer: 10_000 });
    expect(results.map((text) => text.length)).toEqual(reference(maps, 3).map((text) => text.length));
    expect(results.join("") === reference(maps, 3).join("")).toBe(true);
  });

  test("turn an empty input into empty segments, which are never opened, and an empty output", async () => {
    const output = await runMap(shell("mapper", "cat"), "", 3, newContext());
    expect(output.index.lengths).toEqual([0, 0, 0]);
    expect(output.object).toHaveLength(0);
    expect(await runReduce(shell("reducer", "cat; echo ran >&2"), [output, output], 1, newContext())).toHaveLength(0);
  });

  test("treat an executable's line without a tab as a key, and always give the reducer the tab", async () => {
    const context = newContext();
    const output = await runMap(shell("mapper", "printf 'b\\t1\\t2\\na\\n\\n\\tv\\nb\\t0\\nlast'"), "", 1, context);
    expect(context.counters.snapshot().builtin).toMatchObject({
      mapOutputRecords: 6,
      mapOutputBytes: 3 + 1 + 0 + 1 + 2 + 1 + 4 - 0,
    });
    const reducing = newContext();
    const result = await runReduce(shell("reducer", "cat"), [output], 0, reducing);
    expect(result.toString()).toBe("\t\n\tv\na\t\nb\t1\t2\nb\t0\nlast\t\n");
    expect(reducing.counters.snapshot().builtin).toEqual({
      shuffleBytes: output.object.length,
      reduceInputRecords: 6,
      reduceInputGroups: 4,
      outputRecords: 6,
      outputBytes: result.length,
    });
  });

  test("fail the mapper for a line over the limit, within a chunk and endless", async () => {
    const context = newContext({ recordLimit: 1000 });
    const message = "mapper program writes a line longer than RECORD_LIMIT, 1000 bytes";
    await expect(runMap(shell("mapper", "head -c 1001 /dev/zero; echo"), "", 1, context)).rejects.toThrow(message);
    await expect(runMap(shell("mapper", "cat /dev/zero"), "", 1, context)).rejects.toThrow(message);
  });

  test("fail with a failing reducer", async () => {
    const output = await runMap(shell("mapper", "seq 100000"), "", 1, newContext());
    const failing = runReduce(shell("reducer", "head -n 1; exit 4"), [output], 0, newContext());
    await expect(failing).rejects.toThrow("reducer program exited with code 4");
  });
});

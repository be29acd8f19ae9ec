import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxRanges, maxRangeText } from "../../shared/limits.ts";
import { MapInputSchema, type PlannedObject } from "../../shared/protocol/tasks.ts";
import { compressionOf } from "../../shared/compression.ts";
import { bytesOf, cutSplits, defaultSplitSize, planMaps } from "../../shared/splits.ts";

const mebibyte = 1024 * 1024;

/** Sizes and split sizes that result in at most a few hundred splits. */
const cuts = fc
  .tuple(
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    fc.integer({ min: 1, max: 200 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([most, splits, part]) => {
    const splitSize = Math.max(1, Math.floor(most / splits));
    return { size: Math.min(most, splitSize * splits + Math.floor(part * splitSize)), splitSize };
  });

describe("splits", () => {
  test("cover an object exactly, in order", () => {
    fc.assert(
      fc.property(cuts, fc.boolean(), ({ size, splitSize }, splittable) => {
        const splits = [...cutSplits(size, splitSize, splittable)];
        expect(splits[0]?.start).toBe(0);
        expect(splits.at(-1)?.end).toBe(size);
        splits.slice(1).forEach(({ start }, i) => expect(start).toBe(splits[i]?.end));
        if (splittable) splits.slice(0, -1).forEach(({ start, end }) => expect(end - start).toBe(splitSize));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("end with a split that is neither tiny nor oversized", () => {
    fc.assert(
      fc.property(cuts, ({ size, splitSize }) => {
        const splits = [...cutSplits(size, splitSize, true)];
        const last = splits.at(-1);
        const length = last === undefined ? 0 : last.end - last.start;
        // In integers, since 1.1 has no exact double.
        expect((length - splitSize) * 10).toBeLessThanOrEqual(splitSize);
        if (splits.length > 1) expect(length * 10).toBeGreaterThan(splitSize);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  test.each([
    { size: 0, splitSize: 10, splittable: true, ends: [] },
    { size: 0, splitSize: 10, splittable: false, ends: [] },
    { size: 1, splitSize: 10, splittable: true, ends: [1] },
    { size: 10, splitSize: 10, splittable: true, ends: [10] },
    { size: 11, splitSize: 10, splittable: true, ends: [11] },
    { size: 12, splitSize: 10, splittable: true, ends: [10, 12] },
    { size: 21, splitSize: 10, splittable: true, ends: [10, 21] },
    { size: 22, splitSize: 10, splittable: true, ends: [10, 20, 22] },
    { size: 3, splitSize: 1, splittable: true, ends: [1, 2, 3] },
    { size: 1000, splitSize: 10, splittable: false, ends: [1000] },
  ])("of $size bytes at $splitSize (splittable: $splittable) end at $ends", ({ size, splitSize, splittable, ends }) => {
    expect([...cutSplits(size, splitSize, splittable)].map(({ end }) => end)).toEqual(ends);
  });

  test("have about 64 MiB by default, or more if there would be more than 4096", () => {
    expect(defaultSplitSize(0)).toBe(64 * mebibyte);
    expect(defaultSplitSize(64 * mebibyte)).toBe(64 * mebibyte);
    expect(defaultSplitSize(64 * mebibyte + 4)).toBe(16 * mebibyte + 1);
    expect(defaultSplitSize(4096 * 64 * mebibyte)).toBe(64 * mebibyte);
    expect(defaultSplitSize(4096 * 64 * mebibyte + 1)).toBe(64 * mebibyte + 1);
  });

  test("are equal by default, in multiples of four, unless there is one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 * 64 * mebibyte }), (size) => {
        const lengths = [...cutSplits(size, defaultSplitSize(size), true)].map(({ start, end }) => end - start);
        if (size <= 64 * mebibyte) expect(lengths).toEqual([size]);
        else expect(lengths.length % 4).toBe(0);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(lengths.length);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test.each([
    ["a.gz", true],
    ["b/c.zst", true],
    ["B/C.BZ2", true],
    ["a.bz2/b", false],
    ["a.gz/b", false],
    ["agz", false],
    ["a.gz.txt", false],
  ])("%s is compressed: %s", (key, compressed) => expect(compressionOf(key) !== undefined).toBe(compressed));
});

const textOf = (input: readonly PlannedObject[]): number =>
  input.reduce((sum, { path, etag }) => sum + path.length + etag.length, 0);

/** The ranges of all objects, in order. */
const rangesOf = (all: readonly PlannedObject[], splitSize: number): object[] =>
  all.flatMap(({ path, size, etag }) =>
    [...cutSplits(size, splitSize, compressionOf(path) === undefined)].map((range) => ({ path, size, etag, ...range })),
  );

const small = (count: number, length = 10): PlannedObject[] =>
  Array.from({ length: count }, (_, n) => ({ path: String(n).padStart(length, "0"), size: 1, etag: "" }));

describe("maps", () => {
  const objects = fc.array(
    fc.record({
      path: fc.constantFrom("a", "b.gz", "c.zst", "x".repeat(maxRangeText / 3), "y".repeat(2 * maxRangeText)),
      size: fc.oneof(fc.nat(30), fc.nat(3000)),
      etag: fc.constantFrom("", '"1"'),
    }),
    { maxLength: 60, size: "max" },
  );
  const splitSizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(100_000));

  test("read every range once and in order, each range in its own map unless they are combined", () => {
    fc.assert(
      fc.property(objects, splitSizes, (all, splitSize) => {
        const ranges = rangesOf(all, splitSize);
        expect([...planMaps(all, splitSize, true)].flat()).toEqual(ranges);
        expect([...planMaps(all, splitSize, false)]).toEqual(ranges.map((range) => [range]));
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test("are filled up to a limit, and never beyond", () => {
    fc.assert(
      fc.property(objects, splitSizes, (all, splitSize) => {
        const maps = [...planMaps(all, splitSize, true)];
        for (const [index, map] of maps.entries()) {
          MapInputSchema.parse(map);
          if (map.length > 1) {
            expect(bytesOf(map)).toBeLessThanOrEqual(splitSize);
            expect(textOf(map)).toBeLessThanOrEqual(maxRangeText);
          }
          const next = maps[index + 1]?.slice(0, 1) ?? [];
          const isFull =
            map.length === maxRanges ||
            bytesOf(map) + bytesOf(next) > splitSize ||
            textOf(map) + textOf(next) > maxRangeText;
          if (next.length > 0) expect(isFull).toBe(true);
        }
      }),
      { seed: 4, numRuns: 100 },
    );
  });

  test("have at most 1,000 ranges, and a list that fits in a row", () => {
    expect([...planMaps(small(2500), 1_000_000, true)].map(({ length }) => length)).toEqual([1000, 1000, 500]);
    const etag = `"${"0".repeat(32)}"`;
    const long = small(2000, 3072 + 100).map((object) => ({ ...object, size: Number.MAX_SAFE_INTEGER, etag }));
    for (const map of planMaps(long, Number.MAX_SAFE_INTEGER, true)) {
      expect(JSON.stringify(map).length).toBeLessThan(1_000_000);
    }
  });

  test.each([
    { sizes: [4, 4, 4], maps: [[4, 4], [4]] },
    { sizes: [5, 5, 5], maps: [[5, 5], [5]] },
    { sizes: [3, 25, 3, 3], maps: [[3], [10], [10], [5, 3], [3]] },
    { sizes: [1, 11, 1], maps: [[1], [11], [1]] },
    { sizes: [1, 0, 1], maps: [[1, 1]] },
    { sizes: [], maps: [] },
  ])("of objects of $sizes bytes, at 10, read $maps", ({ sizes, maps }) => {
    const all = sizes.map((size, n) => ({ path: String(n), size, etag: "" }));
    expect([...planMaps(all, 10, true)].map((map) => map.map(({ start, end }) => end - start))).toEqual(maps);
  });

  test("split any object if bytes are requested", () => {
    const all = [{ path: "a.gz", size: 20, etag: "" }];
    const ends = (...options: ["none"?]): number[] =>
      [...planMaps(all, 10, false, ...options)].flat().map(({ end }) => end);
    expect(ends()).toEqual([20]);
    expect(ends("none")).toEqual([10, 20]);
  });

  test("are created one by one, so that their number can be limited", () => {
    const [first] = planMaps([{ path: "a", size: Number.MAX_SAFE_INTEGER, etag: "" }], 1, true);
    expect(first).toEqual([{ path: "a", size: Number.MAX_SAFE_INTEGER, etag: "", start: 0, end: 1 }]);
  });
});

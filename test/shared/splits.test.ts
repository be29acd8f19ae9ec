import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countSplits, cutSplits, defaultSplitSize, isCompressed } from "../../shared/splits.ts";

const mebibyte = 1024 * 1024;

/** Sizes and split sizes that make a few thousand splits at most. */
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
  test("cover an object exactly, in order, as many as are counted", () => {
    fc.assert(
      fc.property(cuts, fc.boolean(), ({ size, splitSize }, splittable) => {
        const splits = [...cutSplits(size, splitSize, splittable)];
        expect(splits).toHaveLength(countSplits(size, splitSize, splittable));
        expect(splits[0]?.start).toBe(0);
        expect(splits.at(-1)?.end).toBe(size);
        splits.slice(1).forEach(({ start }, i) => expect(start).toBe(splits[i]?.end));
        if (splittable) splits.slice(0, -1).forEach(({ start, end }) => expect(end - start).toBe(splitSize));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("end with neither a crumb nor a giant", () => {
    fc.assert(
      fc.property(cuts, ({ size, splitSize }) => {
        const splits = [...cutSplits(size, splitSize, true)];
        const last = splits.at(-1);
        const length = last === undefined ? 0 : last.end - last.start;
        // In whole numbers, as 1.1 has no exact double.
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
    expect(countSplits(size, splitSize, splittable)).toBe(ends.length);
  });

  test("have 64 MiB by default, more where there would be more than 4096", () => {
    expect(defaultSplitSize(0)).toBe(64 * mebibyte);
    expect(defaultSplitSize(4096 * 64 * mebibyte)).toBe(64 * mebibyte);
    expect(defaultSplitSize(4096 * 64 * mebibyte + 1)).toBe(64 * mebibyte + 1);
  });

  test.each([
    ["a.gz", true],
    ["b/c.zst", true],
    ["a.gz/b", false],
    ["agz", false],
    ["a.gz.txt", false],
  ])("%s is compressed: %s", (key, compressed) => expect(isCompressed(key)).toBe(compressed));
});

import { compressionOf, type InputCompression } from "./compression.ts";
import { defaultSplits, maxRanges, maxRangeText, usualSplitSize } from "./limits.ts";
import type { InputRange, MapInput, PlannedObject } from "./protocol/tasks.ts";

/** A half-open byte range of an input object: `{start: 0, end: 3}` holds the bytes 0, 1 and 2. */
type Split = { readonly start: number; readonly end: number };

/** What is left after whole splits is a split of its own if it is more than a tenth of one, else no task gets a crumb (as in Hadoop). */
const isSplit = (rest: number, splitSize: number): boolean => rest * 10 > splitSize;

/** Splits come in multiples of this, so that 2 or 4 runners have as many each. */
const even = 4;

/**
 * The split size where the user names none, in bytes: about the larger of 64 MiB and a 4096th of the input, or less, so that the
 * input has an even number of equal splits.
 */
export const defaultSplitSize = (totalBytes: number): number => {
  if (totalBytes <= usualSplitSize) return usualSplitSize;
  const splits = Math.min(defaultSplits, Math.ceil(totalBytes / usualSplitSize));
  return Math.ceil(totalBytes / (even * Math.ceil(splits / even)));
};

/**
 * Cuts an object of `size` bytes into ranges that follow each other and cover it. An empty object has no split; one that
 * cannot be split (because it is compressed) has one.
 * @param start where to go on: the end of an earlier split
 */
export function* cutSplits(size: number, splitSize: number, splittable: boolean, start = 0): Generator<Split> {
  if (size === 0) return;
  if (splittable) {
    for (; isSplit(size - start - splitSize, splitSize); start += splitSize) yield { start, end: start + splitSize };
  }
  yield { start, end: size };
}

/**
 * What each map reads: the ranges that `cutSplits` makes of the objects, one a map, or with `combine` as many as fit. These
 * are packed in the order of the objects, each into the map before it unless that would then have more than `splitSize`
 * bytes as stored, more than `maxRanges` ranges, or a list that is too large to be stored (`maxRangeText`).
 * @param start where to go on in the first object: the end of the last range of an earlier map
 */
export function* planMaps(
  objects: Iterable<PlannedObject>,
  splitSize: number,
  combine: boolean,
  compression?: InputCompression,
  start = 0,
): Generator<MapInput, void, void> {
  let next = start;
  let ranges: InputRange[] = [];
  let bytes = 0;
  let text = 0;
  for (const { path, size, etag } of objects) {
    const ownText = path.length + etag.length;
    const splits = cutSplits(size, splitSize, compressionOf(path, compression) === undefined, next);
    next = 0;
    for (const split of splits) {
      const length = split.end - split.start;
      const fits =
        combine && ranges.length < maxRanges && bytes + length <= splitSize && text + ownText <= maxRangeText;
      if (!fits && ranges.length > 0) {
        yield ranges;
        ranges = [];
        bytes = 0;
        text = 0;
      }
      ranges.push({ path, size, etag, ...split });
      bytes += length;
      text += ownText;
    }
  }
  if (ranges.length > 0) yield ranges;
}

/** The bytes that a map reads, as stored. */
export const bytesOf = (input: MapInput): number => input.reduce((sum, { start, end }) => sum + end - start, 0);

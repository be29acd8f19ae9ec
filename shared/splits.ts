import { defaultSplits, minDefaultSplitSize } from "./limits.ts";

/** A half-open byte range of an input object: `{start: 0, end: 3}` holds the bytes 0, 1 and 2. */
export type Split = { readonly start: number; readonly end: number };

/** What is left after whole splits is a split of its own if it is more than a tenth of one, else no task gets a crumb (as in Hadoop). */
const isSplit = (rest: number, splitSize: number): boolean => rest * 10 > splitSize;

/** The split size where the user names none, in bytes: the larger of 64 MiB and a 4096th of the input. */
export const defaultSplitSize = (totalBytes: number): number =>
  Math.max(minDefaultSplitSize, Math.ceil(totalBytes / defaultSplits));

/**
 * Cuts an object of `size` bytes into ranges that follow each other and cover it. An empty object has no split; one that
 * cannot be split (because it is compressed) has one.
 */
export function* cutSplits(size: number, splitSize: number, splittable: boolean): Generator<Split> {
  if (size === 0) return;
  let start = 0;
  if (splittable) {
    for (; isSplit(size - start - splitSize, splitSize); start += splitSize) yield { start, end: start + splitSize };
  }
  yield { start, end: size };
}

/** How many splits `cutSplits` yields. */
export const countSplits = (size: number, splitSize: number, splittable: boolean): number => {
  if (size === 0) return 0;
  if (!splittable) return 1;
  const rest = size % splitSize;
  const whole = (size - rest) / splitSize;
  return Math.max(1, isSplit(rest, splitSize) ? whole + 1 : whole);
};

/** Whether the content of an object has to be read from its start: `.gz` and `.zst` are decompressed as one stream. */
export const isCompressed = (key: string): boolean => /\.(gz|zst)$/.test(key);

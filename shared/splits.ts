import { defaultSplits, minDefaultSplitSize } from "./limits.ts";

/** A half-open byte range of an input object: `{start: 0, end: 3}` holds the bytes 0, 1 and 2. */
export type Split = { readonly start: number; readonly end: number };

/** The last split may be longer than the others by this factor, so that no task is left with a crumb (as in Hadoop). */
const slop = 1.1;

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
  while (splittable && (size - start) / splitSize > slop) {
    yield { start, end: start + splitSize };
    start += splitSize;
  }
  yield { start, end: size };
}

/** How many splits `cutSplits` yields. */
export const countSplits = (size: number, splitSize: number, splittable: boolean): number => {
  if (size === 0) return 0;
  if (!splittable) return 1;
  const whole = Math.floor(size / splitSize);
  const rest = size - whole * splitSize;
  return Math.max(1, rest / splitSize > slop - 1 ? whole + 1 : whole);
};

/** Whether the content of an object has to be read from its start: `.gz` and `.zst` are decompressed as one stream. */
export const isCompressed = (key: string): boolean => /\.(gz|zst)$/.test(key);

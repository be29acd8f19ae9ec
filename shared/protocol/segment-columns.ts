import { z } from "zod";
import { shuffleSpread } from "../outputs.ts";
import { Bytes, Index } from "./fields.ts";
import type { SegmentRef } from "./tasks.ts";

/**
 * Many segments in one message, by columns: of the outputs of maps whose names are made of their attempts, as all are. A reduce of
 * 10,000 maps reads a tenth of what a list of `SegmentRef` would take.
 */
export const SegmentColumnsSchema = z.object({
  /**
   * The addresses of the folders, with their last slashes: the output of map 0 lies in the first of them, that of map 1 in the
   * second, and so on in turn. Attempt 1 of map 0 is `m-0-1` there. Empty where no output lies.
   */
  folders: z.array(z.string()).min(1),
  maps: z.array(Index),
  /** The numbers of the attempts. */
  attempts: z.array(Index),
  offsets: z.array(Bytes),
  lengths: z.array(Bytes),
  largestBlocks: z.array(Bytes),
  /** Empty where nobody has asked for them. */
  aheads: z.array(Bytes),
});
export type SegmentColumns = z.infer<typeof SegmentColumnsSchema>;

/** Segments as columns; undefined where they cannot be. */
export const toColumns = (refs: readonly SegmentRef[], jobId: string): SegmentColumns | undefined => {
  const folders = Array.from({ length: shuffleSpread }, () => "");
  const attempts: number[] = [];
  for (const { map, attempt, path } of refs) {
    const name = `m-${map}-`;
    const folder = (folders[map % shuffleSpread] ||= path.slice(0, path.lastIndexOf("/") + 1));
    const number = Number(attempt.slice(jobId.length + 1 + name.length));
    if (!Number.isSafeInteger(number) || number < 0) return undefined;
    if (attempt !== `${jobId}-${name}${number}` || path !== `${folder}${name}${number}`) return undefined;
    attempts.push(number);
  }
  return {
    folders,
    maps: refs.map(({ map }) => map),
    attempts,
    offsets: refs.map(({ offset }) => offset),
    lengths: refs.map(({ length }) => length),
    largestBlocks: refs.map(({ largestBlock }) => largestBlock),
    aheads: refs.flatMap(({ ahead }) => (ahead === undefined ? [] : [ahead])),
  };
};

/** Segments from their columns. @throws Error if the columns are not equally long */
export const fromColumns = (columns: SegmentColumns, jobId: string): SegmentRef[] => {
  const { folders, maps, attempts, offsets, lengths, largestBlocks, aheads } = columns;
  const areEven = [attempts, offsets, lengths, largestBlocks].every(({ length }) => length === maps.length);
  if (!areEven || (aheads.length > 0 && aheads.length !== maps.length)) {
    throw new Error("the columns of an index of segments are not equally long");
  }
  return maps.map((map, i) => {
    const name = `m-${map}-${attempts[i]}`;
    return {
      map,
      attempt: `${jobId}-${name}`,
      path: `${folders[map % folders.length] ?? ""}${name}`,
      offset: offsets[i] ?? 0,
      length: lengths[i] ?? 0,
      largestBlock: largestBlocks[i] ?? 0,
      ahead: aheads[i],
    };
  });
};

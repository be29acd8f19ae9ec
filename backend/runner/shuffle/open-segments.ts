import type { AttemptContext } from "../attempt-context.ts";
import type { BlockSource } from "./blocks.ts";
import { fetchSegments, type SegmentSource } from "./fetch-segments.ts";
import { releaseSpares } from "./kernels.ts";
import { merged } from "./merge.ts";
import { OpenRuns } from "./run.ts";
import { RunFiles } from "./run-files.ts";

/** Segments of up to this part of the sort buffer are read beside what kernels have, which takes long to give back. */
const fewPart = 1 / 16;

/** All records of a partition, in order. Close when they are no longer needed. */
type OpenSegments = { readonly sorted: BlockSource; close(): void };

/**
 * Fetches the segments of a partition and merges them. The values of a key come in the order of the segments' maps.
 * @param segments in any order
 * @throws see `fetchSegments`
 */
export async function openSegments(segments: readonly SegmentSource[], context: AttemptContext): Promise<OpenSegments> {
  const bytes = segments.reduce((sum, { length }) => sum + length, 0);
  if (bytes > context.sortBuffer * fewPart) releaseSpares();
  const inOrder = segments.toSorted((a, b) => a.map - b.map);
  const { runs, memory } = await fetchSegments(inOrder, context);
  const open = new OpenRuns(await new RunFiles(context).reduce(runs));
  return { sorted: merged([...open.blocks(0), ...memory], context.sortBuffer), close: () => open.close() };
}

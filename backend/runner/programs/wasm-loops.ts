import { untilAborted } from "../../abort.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { countNewlines } from "../input/count-newlines.ts";
import type { RecordBatch } from "../input/record-batches.ts";
import { Pacer } from "../pacer.ts";
import type { PackedTarget } from "../record-target.ts";
import type { BlockSource } from "../shuffle/blocks.ts";
import { Cursor } from "../shuffle/cursor.ts";
import { headerLength } from "../shuffle/segment.ts";
import { linesFrom } from "./batches.ts";
import { PackedReader } from "./packed-reader.ts";
import type { ArtifactProgram, Reader } from "./program.ts";
import { WasmProgram } from "./wasm-program.ts";

/** Bytes of a batch of lines, unless a line is longer. */
const batchLength = 256 * 1024;

/**
 * Calls `map` for batches of lines and counts the records.
 * @param reader see `PackedReader`
 * @returns how much the program emitted
 * @throws ProgramError if it fails; the signal's reason when aborted
 */
export async function mapBatches(
  mapper: ArtifactProgram,
  input: AsyncIterable<RecordBatch>,
  target: PackedTarget,
  context: AttemptContext,
  reader?: Reader,
): Promise<{ readonly records: number; readonly bytes: number }> {
  const emitted = new PackedReader(target, context, reader);
  const program = await WasmProgram.load(mapper, context, (packed) => emitted.push(packed));
  const pacer = new Pacer(context.signal);
  const { counters, progress } = context;
  let record = 0;
  for await (const { bytes, path } of untilAborted(input, context.signal)) {
    if (path !== program.inputPath) {
      program.inputPath = path;
      record = 0;
    }
    for (let start = 0; start < bytes.length;) {
      const lines = linesFrom(bytes, start, batchLength);
      start += lines.length;
      const count = countNewlines(lines);
      program.take(lines, `in records ${record + 1} to ${record + count} of its input from ${path}`);
      record += count;
      counters.count("mapInputRecords", count);
      progress.tick();
      const relief = target.relief();
      if (relief !== undefined) await relief;
      if (pacer.due) await pacer.rest();
    }
    counters.count("mapInputBytes", bytes.length);
  }
  program.end();
  return emitted;
}

/**
 * Calls `reduce` or `combine` for blocks of sorted records.
 * @param reader see `PackedReader`
 * @returns how many records and keys there were
 * @throws ProgramError if the program fails; the signal's reason when aborted
 */
export async function foldBlocks(
  reducer: ArtifactProgram,
  sorted: BlockSource,
  target: PackedTarget,
  context: AttemptContext,
  reader?: Reader,
): Promise<{ readonly records: number; readonly groups: number }> {
  const emitted = new PackedReader(target, context, reader);
  const program = await WasmProgram.load(reducer, context, (packed) => emitted.push(packed));
  const pacer = new Pacer(context.signal);
  let records = 0;
  let groups = 0;
  for (let block = sorted(); block !== undefined; block = sorted()) {
    program.take(block.bytes.subarray(headerLength), `at keys ${groups + 1} and later of its input`);
    records += block.records;
    const blocks = [block];
    const cursor = new Cursor(() => blocks.pop());
    while (cursor.next()) if (!cursor.continued) groups++;
    context.progress.tick();
    const relief = target.relief();
    if (relief !== undefined) await relief;
    if (pacer.due) await pacer.rest();
  }
  program.end();
  return { records, groups };
}

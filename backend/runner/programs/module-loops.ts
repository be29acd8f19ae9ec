import type { AttemptContext } from "../attempt-context.ts";
import { untilAborted } from "../../abort.ts";
import { countNewlines } from "../input/count-newlines.ts";
import { LineEnds } from "../input/line-ends.ts";
import type { RecordBatch } from "../input/record-batches.ts";
import { Pacer } from "../pacer.ts";
import type { RecordTarget } from "../record-target.ts";
import type { BlockSource } from "../shuffle/blocks.ts";
import { Groups } from "../shuffle/groups.ts";
import { linesFrom } from "./batches.ts";
import { Emitter } from "./emitter.ts";
import type { ModuleProgram } from "./module-program.ts";
import type { Reader } from "./program.ts";

/** The number of records, and the bytes of their keys and values. */
type Emitted = { readonly records: number; readonly bytes: number };

/** How many keys or records are processed between two readings of the clock. */
const clockInterval = 256;

/**
 * Bytes of a batch, unless its only line is longer: few enough that what it emits needs little memory. A module that keeps a part
 * of its own keeps the whole batch; see docs/guide/programs.md.
 */
const batchLength = 64 * 1024;

/**
 * Calls `map` for each record, or `mapBatch` for some at a time, and counts the records.
 * @param reader see `Emitter`
 * @returns how much the module emitted
 * @throws ProgramError if the module fails; the signal's reason when aborted
 */
export async function mapRecords(
  module: ModuleProgram,
  input: AsyncIterable<RecordBatch>,
  target: RecordTarget,
  context: AttemptContext,
  reader?: Reader,
): Promise<Emitted> {
  const emitter = new Emitter(target, context, reader);
  const { emit } = emitter;
  const pacer = new Pacer(context.signal);
  const { counters, progress } = context;
  const { takesBatches } = module;
  const ends = new LineEnds();
  let record = 0;
  /** Records before the current object. */
  let before = 0;
  let moduleContext = module.context;
  try {
    for await (const { bytes, path } of untilAborted(input, context.signal)) {
      if (path !== moduleContext.inputPath) {
        moduleContext = module.contextFor(path);
        before = record;
      }
      const first = record;
      for (let start = 0; start < bytes.length;) {
        const lines = linesFrom(bytes, start, batchLength);
        const batch = module.keepsViews ? Buffer.from(lines) : lines;
        start += batch.length;
        if (!takesBatches) ends.find(batch);
        const calls = takesBatches ? 1 : ends.count;
        const decode = !takesBatches && ends.isAscii ? module.decodeAscii : module.decode;
        for (let call = 0, at = 0; call < calls; call++) {
          const end = takesBatches ? batch.length : ends.at(call);
          const reached = record;
          record += takesBatches ? countNewlines(batch) : 1;
          progress.tick();
          try {
            const pending = module.map(decode(batch, at, end), emit, moduleContext);
            if (pending !== undefined) await pending;
          } catch (error) {
            throw module.explain(error, `${placeOf(reached + 1 - before, record - before)} of its input from ${path}`);
          }
          at = end + 1;
          const relief = target.relief();
          if (relief !== undefined) await relief;
          if ((takesBatches || record % clockInterval === 0) && pacer.due) await pacer.rest();
        }
      }
      counters.count("mapInputRecords", record - first);
      counters.count("mapInputBytes", bytes.length);
    }
  } finally {
    emitter.end();
  }
  return emitter;
}

const placeOf = (first: number, last: number): string =>
  first === last ? `at record ${first}` : `in records ${first} to ${last}`;

/**
 * Calls `reduce` or `combine` for each key.
 * @param reader see `Emitter`
 * @returns how many records and keys there were
 * @throws ProgramError if the module fails; the signal's reason when aborted
 */
export async function foldGroups(
  module: ModuleProgram,
  sorted: BlockSource,
  target: RecordTarget,
  context: AttemptContext,
  reader?: Reader,
): Promise<{ readonly records: number; readonly groups: number }> {
  const emitter = new Emitter(target, context, reader);
  const { emit } = emitter;
  const pacer = new Pacer(context.signal);
  const groups = new Groups(sorted, module, context.progress);
  try {
    while (groups.next()) {
      try {
        const pending = module.fold(groups.key(), groups.values(), emit);
        if (pending !== undefined) await pending;
      } catch (error) {
        throw module.explain(error, `at key ${groups.groups} of its input`);
      }
      const relief = target.relief();
      if (relief !== undefined) await relief;
      if (groups.groups % clockInterval === 0 && pacer.due) await pacer.rest();
    }
  } finally {
    emitter.end();
  }
  return groups;
}

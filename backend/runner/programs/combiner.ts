import type { AttemptContext } from "../attempt-context.ts";
import type { Combine } from "../shuffle/combining-collector.ts";
import { forExecutables, textBatches } from "../shuffle/text-batches.ts";
import { runStreams } from "./streams.ts";
import { foldGroups } from "./module-loops.ts";
import { ModuleProgram } from "./module-program.ts";
import type { ArtifactProgram, Reader } from "./program.ts";
import { TextRecords } from "./text-records.ts";
import { foldBlocks } from "./wasm-loops.ts";

/**
 * Loads a combiner.
 * @param reader the executable that reads what the combiner emits, see `Emitter`
 * @throws ProgramError for a module that cannot be loaded
 */
export async function loadCombiner(
  combiner: ArtifactProgram,
  context: AttemptContext,
  reader?: Reader,
): Promise<Combine> {
  if (combiner.type === "module") {
    const module = await ModuleProgram.load(combiner, "combine", context);
    return async (sorted, target) => (await foldGroups(module, sorted, target, context, reader)).records;
  }
  if (combiner.type === "wasm") {
    return async (sorted, target) => (await foldBlocks(combiner, sorted, target, context, reader)).records;
  }
  return async (sorted, target) => {
    const counts = { records: 0, groups: 0 };
    const output = new TextRecords(combiner, context.recordLimit, target);
    const input = textBatches(sorted, forExecutables, context.sortBuffer, counts);
    await runStreams({ program: combiner, context, input, output: (chunk) => output.push(chunk) });
    await output.end();
    return counts.records;
  };
}

import type { AttemptContext } from "../attempt-context.ts";
import { runExecutable } from "../programs/executable.ts";
import { foldGroups } from "../programs/module-loops.ts";
import { ModuleProgram } from "../programs/module-program.ts";
import type { Program, Reader } from "../programs/program.ts";
import type { Combine } from "./combining-collector.ts";
import { textBatches } from "./text-batches.ts";
import { TextRecords } from "./text-records.ts";

/**
 * Loads a combiner.
 * @param reader the executable that reads what the combiner emits, see `Emitter`
 * @throws ProgramError for a module that cannot be loaded
 */
export async function loadCombiner(combiner: Program, context: AttemptContext, reader?: Reader): Promise<Combine> {
  if (combiner.type === "module") {
    const module = await ModuleProgram.load(combiner, "combine", context);
    return async (sorted, target) => (await foldGroups(module, sorted, target, context, reader)).records;
  }
  return async (sorted, target) => {
    const counts = { records: 0, groups: 0 };
    const output = new TextRecords(combiner, context.recordLimit, target);
    const input = textBatches(sorted, context.sortBuffer, counts);
    await runExecutable({ program: combiner, context, input, output: (chunk) => output.push(chunk) });
    await output.end();
    return counts.records;
  };
}

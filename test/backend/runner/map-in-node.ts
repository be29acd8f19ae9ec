/**
 * Runs a mapper module in its own process, where `import` is Node's and not the test runner's.
 * Arguments: the module's path, the input. Prints the output, or the error's message.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Counters } from "../../../backend/runner/counters.ts";
import { readRecords } from "../../../backend/runner/input/record-batches.ts";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import { Progress } from "../../../backend/runner/progress.ts";
import { NamedPipes } from "../../../backend/runner/programs/named-pipes.ts";

const [path = "", text = ""] = process.argv.slice(2);
const workDir = mkdtempSync(join(tmpdir(), "edgefold-test-"));
let output = "";
try {
  await mapToText({
    mapper: { role: "mapper", name: "program.js", type: "module", path, args: [] },
    input: readRecords(Readable.from([Buffer.from(text)]), { path: "http://store/in.txt", recordLimit: 1000 }),
    context: {
      environment: {},
      workDir,
      sortBuffer: 1000,
      mergeFactor: 10,
      outputLimit: 1000,
      recordLimit: 1000,
      archives: [],
      wasmMemory: 0,
      signal: new AbortController().signal,
      counters: new Counters(),
      progress: new Progress(),
      pipes: new NamedPipes(workDir),
      processes: { add: () => undefined, remove: () => undefined },
      status: () => undefined,
      log: () => undefined,
    },
    sink: {
      write: (bytes): undefined => {
        output += bytes.toString();
      },
    },
  });
} catch (error) {
  output += error instanceof Error ? error.message : String(error);
} finally {
  rmSync(workDir, { recursive: true });
}
process.stdout.write(output);

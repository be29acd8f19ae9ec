/**
 * Maps compressed files in its own process, with a module that does nothing, and prints the result.
 * Arguments: the longest record in bytes, the paths of the files.
 */
import { createReadStream, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Counters } from "../../../backend/runner/counters.ts";
import { readInput } from "../../../backend/runner/input/task-input.ts";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import { Progress } from "../../../backend/runner/progress.ts";
import { pulled } from "../../../backend/storage/pulled.ts";
import type { ByteStream } from "../../../backend/storage/store.ts";
import { NamedPipes } from "../../../backend/runner/programs/named-pipes.ts";

const [limit, ...paths] = process.argv.slice(2);
const recordLimit = Number(limit);
const workDir = mkdtempSync(join(tmpdir(), "edgefold-test-"));
const path = join(workDir, "mapper.mjs");
writeFileSync(path, "export function map(line, emit) { if (line.length < 100) emit(line); }\n");

const open = async (file: string): Promise<ByteStream> => {
  const stream = createReadStream(file);
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  return pulled({
    next: async () => (await chunks.next()).value,
    close: async () => void stream.destroy(),
  });
};

const counters = new Counters();
let error = "";
let output = 0;
const before = process.memoryUsage.rss();
try {
  const input = paths.map((file) => {
    const { size } = statSync(file);
    return { path: file, size, start: 0, end: size, etag: "" };
  });
  await mapToText({
    mapper: { role: "mapper", name: "mapper.mjs", type: "module", path, args: [] },
    input: readInput(input, { recordLimit, open: (range) => open(range.path) }),
    context: {
      environment: {},
      workDir,
      sortBuffer: 1000,
      mergeFactor: 10,
      outputLimit: 1e9,
      recordLimit,
      archives: [],
      wasmMemory: 0,
      signal: new AbortController().signal,
      counters,
      progress: new Progress(),
      pipes: new NamedPipes(workDir),
      processes: { add: () => undefined, remove: () => undefined },
      status: () => undefined,
      log: () => undefined,
    },
    sink: {
      write: (bytes): undefined => {
        output += bytes.length;
      },
    },
  });
} catch (thrown) {
  error = thrown instanceof Error ? thrown.message : String(thrown);
} finally {
  rmSync(workDir, { recursive: true });
}
const { maxRSS } = process.resourceUsage();
process.stdout.write(JSON.stringify({ error, output, grown: maxRSS * 1024 - before, counters: counters.snapshot() }));

import { mkdir } from "node:fs/promises";
import { wasiModule } from "../../../shared/wasm-contract.ts";
import { untilAborted } from "../../abort.ts";
import { workingDirectory } from "../working-directory.ts";
import { exitProblem, limitedOutput, stderrReader, type StreamRun } from "./executable.ts";
import { Guard } from "./guard.ts";
import { isStorageFailure } from "./module-program.ts";
import { ProgramMemory } from "./program-memory.ts";
import { ProgramError } from "./program.ts";
import { ReadableFiles } from "./readable-files.ts";
import { importedCalls, ProgramExit, wasiCalls } from "./wasi.ts";
import { fileCalls } from "./wasi-files.ts";
import { CommandExportsSchema, compileProgram, describeTrap, variablesOf } from "./wasm-module.ts";

/** Functions for which a program waits. All others return at once. */
const suspending: ReadonlySet<string> = new Set(["fd_read", "fd_write", "poll_oneoff"]);

/**
 * Runs a WASI command in this thread, as `runExecutable` runs a process: it reads records from its standard input, and its standard
 * output is read. It is suspended while it waits for either. It can read the files in the working directory.
 * @throws ProgramError if it cannot be started, does not exit with code 0, traps, or exceeds a limit; the signal's reason when
 * aborted; what `input` or `output` throws
 */
export const runCommand = async (run: StreamRun): Promise<void> => {
  const { program, context, input } = run;
  const { signal, progress } = context;
  signal.throwIfAborted();
  if (typeof input === "number") throw new TypeError("a command reads no file");
  const { module, imports } = await compileProgram(program, context);
  const directory = workingDirectory(context);
  await mkdir(directory, { recursive: true });
  const files = new ReadableFiles(directory, context.archives);
  const source = new InputBytes(untilAborted(input, signal));
  const diagnostics = stderrReader(run);
  const guard = new Guard();
  const memory = new ProgramMemory(() => exports.memory);
  const calls = wasiCalls({
    memory,
    args: [program.name, ...program.args],
    environment: variablesOf(context),
    streams: {
      read: (target) => {
        progress.tick();
        return source.read(target);
      },
      write: limitedOutput(run),
      report: (bytes) => {
        progress.tick();
        diagnostics.push(bytes);
      },
    },
    files: fileCalls(memory, files),
    signal,
  });
  const functions = importedCalls(imports, calls).map(([name, call]) => {
    const guarded = guard.around(call);
    return [name, suspending.has(name) ? new WebAssembly.Suspending(guarded) : guarded] as const;
  });
  let code = 0;
  let exports: ReturnType<typeof CommandExportsSchema.parse>;
  try {
    const instance = new WebAssembly.Instance(module, { [wasiModule]: Object.fromEntries(functions) });
    exports = CommandExportsSchema.parse(instance.exports);
    await WebAssembly.promising(exports._start)();
    guard.check();
  } catch (thrown) {
    const error = guard.failure?.error ?? thrown;
    signal.throwIfAborted();
    if (error instanceof ProgramExit) ({ code } = error);
    else if (error instanceof ProgramError || isStorageFailure(error) || source.hasThrown(error)) throw error;
    else throw new ProgramError(program, `failed: ${describeTrap(error, program.name)}`, { cause: error });
  } finally {
    files.closeAll();
    await source.close();
  }
  diagnostics.end();
  if (code !== 0) throw new ProgramError(program, exitProblem({ code, signal: null }, diagnostics.tail()));
};

/** The bytes of a program's standard input, as many at a time as it asks for. */
class InputBytes {
  readonly #batches: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #failure: { readonly error: unknown } | undefined;

  constructor(batches: AsyncIterable<Buffer>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** @param target is asked for once there is something to put there. @returns how many bytes; 0 at the end */
  read(target: () => Buffer): number | Promise<number> {
    return this.#rest.length > 0 ? this.#take(target()) : this.#fetch(target);
  }

  /** Whether the input has failed with this error. */
  hasThrown(error: unknown): boolean {
    return this.#failure !== undefined && this.#failure.error === error;
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  async #fetch(target: () => Buffer): Promise<number> {
    try {
      const { done, value } = await this.#batches.next();
      if (done === true) return 0;
      this.#rest = value;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
    return this.#rest.length === 0 ? await this.#fetch(target) : this.#take(target());
  }

  #take(target: Buffer): number {
    const taken = this.#rest.copy(target);
    this.#rest = this.#rest.subarray(taken);
    return taken;
  }
}

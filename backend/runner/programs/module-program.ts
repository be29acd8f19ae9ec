import { pathToFileURL } from "node:url";
import {
  counterAmount,
  describeError,
  isPromise,
  readExports,
  type ModuleFunction,
  type UsableExports,
} from "../../../shared/module-contract.ts";
import { abortable } from "../../abort.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { StorageError } from "../../storage/store.ts";
import { ShuffleLostError } from "../shuffle/shuffle-lost.ts";
import { workingDirectory } from "../working-directory.ts";
import { type ArtifactProgram, ProgramError } from "./program.ts";
import { decodeAscii, decodeUtf8 } from "./text.ts";

/** The last argument of each call into a module. */
export type ModuleContext = {
  /** The job's arguments for the program. */
  readonly args: readonly string[];
  /** The same variables as an executable's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** The absolute path of the attempt's working directory, with the job's files and archives. Not this process's directory. */
  readonly directory: string;
  /** The address of the object that a mapper's record comes from; empty for reducers and combiners. */
  readonly inputPath: string;
  /** Adds to a counter of the job. */
  counter(group: string, name: string, amount?: number): void;
  /** Reports what the task is doing. */
  status(text: string): void;
};

const nothing = Buffer.alloc(0);

const viewBytes = (bytes: Buffer, start: number, end: number): Buffer =>
  start === end ? nothing : bytes.subarray(start, end);

type Decode = (bytes: Buffer, start: number, end: number) => string | Buffer;

/** How many modules this thread has loaded. */
let loads = 0;

/** A loaded module. */
export class ModuleProgram {
  readonly program: ArtifactProgram;
  /** Whether `map` takes whole lines, many at a time, instead of one line without its newline. */
  readonly takesBatches: boolean;
  /** Decodes lines, keys and values for the module: to strings, or to views of `bytes`. */
  readonly decode: Decode;
  /** The same, for bytes of which it is known that they are ASCII. */
  readonly decodeAscii: Decode;
  /** Whether the module may keep what `decode` returns, so that `bytes` must be its own. */
  readonly keepsViews: boolean;
  /** The last argument of calls without an input object. */
  readonly context: ModuleContext;
  readonly #call: ModuleFunction;
  readonly #url: string;
  readonly #signal: AbortSignal;

  private constructor(program: ArtifactProgram, url: string, exported: UsableExports, context: AttemptContext) {
    const { call, encoding, takesBatches } = exported;
    this.program = program;
    this.takesBatches = takesBatches;
    this.decode = encoding === "utf8" ? decodeUtf8 : viewBytes;
    this.decodeAscii = encoding === "utf8" ? decodeAscii : viewBytes;
    this.keepsViews = encoding === "bytes" && !takesBatches;
    this.#call = call;
    this.#url = url;
    this.#signal = context.signal;
    this.context = {
      args: program.args,
      environment: context.environment,
      directory: workingDirectory(context),
      inputPath: "",
      counter: (group: unknown, name: unknown, amount: unknown = 1) => {
        context.counters.add(String(group), String(name), counterAmount(amount));
      },
      status: (text: unknown) => context.status(String(text)),
    };
  }

  /**
   * Loads a module.
   * @param role what to call
   * @throws ProgramError if the module cannot be loaded or lacks the export
   */
  static async load(
    program: ArtifactProgram,
    role: "map" | "reduce" | "combine",
    context: AttemptContext,
  ): Promise<ModuleProgram> {
    // A unique URL, so that each role of each attempt gets fresh state.
    const url = `${pathToFileURL(program.path).href}?${++loads}`;
    let exported: unknown;
    try {
      exported = await abortable(import(url), context.signal);
    } catch (error) {
      context.signal.throwIfAborted();
      const problem = `cannot be loaded: ${describeError(error, url, program.name)}`;
      throw new ProgramError(program, problem, { cause: error, isFinal: isUnloadable(error) });
    }
    const found = readExports(exported, role);
    if (found.kind === "unusable") throw new ProgramError(program, found.problem, { isFinal: true });
    return new ModuleProgram(program, url, found, context);
  }

  /** Creates the last argument of calls with records of the object at `inputPath`. Create it once for many records. */
  contextFor(inputPath: string): ModuleContext {
    return { ...this.context, inputPath };
  }

  /**
   * Calls `map` or `mapBatch`.
   * @returns a promise if the function returned one; it also rejects on abort
   * @throws what the function throws, see `explain`
   */
  map(record: unknown, emit: unknown, context: ModuleContext): Promise<unknown> | undefined {
    const result = this.#call(record, emit, context);
    return isPromise(result) ? abortable(result, this.#signal) : undefined;
  }

  /** Calls `reduce` or `combine`. Otherwise like `map`. */
  fold(key: unknown, values: unknown, emit: unknown): Promise<unknown> | undefined {
    const result = this.#call(key, values, emit, this.context);
    return isPromise(result) ? abortable(result, this.#signal) : undefined;
  }

  /**
   * Returns the error to fail the attempt with after `map`, `fold` or `decode` threw.
   * @param place the position in the input, such as `at record 3`
   */
  explain(error: unknown, place: string): unknown {
    if (this.#signal.aborted || error instanceof ProgramError || isStorageFailure(error)) return error;
    const problem = `failed ${place}: ${describeError(error, this.#url, this.program.name)}`;
    return new ProgramError(this.program, problem, { cause: error });
  }
}

/** Whether a file or a store has failed, not the program: records are read and spilled while a function of its runs. */
export const isStorageFailure = (error: unknown): boolean =>
  error instanceof ShuffleLostError || error instanceof StorageError;

/** Node's import errors that only a change of the source can fix. */
const importErrors: ReadonlySet<unknown> = new Set([
  "ERR_INVALID_MODULE_SPECIFIER",
  "ERR_INVALID_TYPESCRIPT_SYNTAX",
  "ERR_MODULE_NOT_FOUND",
  "ERR_PACKAGE_PATH_NOT_EXPORTED",
  "ERR_UNKNOWN_BUILTIN_MODULE",
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_DIR_IMPORT",
  "ERR_UNSUPPORTED_ESM_URL_SCHEME",
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX",
]);

/** Whether a module fails to load because of its source, rather than because of what it does while loading. */
function isUnloadable(error: unknown): boolean {
  return error instanceof SyntaxError || (error instanceof Error && "code" in error && importErrors.has(error.code));
}

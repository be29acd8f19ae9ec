import type { Counters } from "./counters.ts";
import type { NamedPipes } from "./programs/named-pipes.ts";
import type { Progress } from "./progress.ts";

/** Everything that the data path of one attempt needs. */
export type AttemptContext = {
  /** Variables for programs (job, task, attempt …, under our names and Hadoop's); no credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** A private directory of this attempt. Contains nothing except the programs' `workingDirectory`. The caller removes it afterwards. */
  readonly workDir: string;
  /** The folders with the job's unpacked archives, to which links in the `workingDirectory` lead. */
  readonly archives: readonly string[];
  /** Bytes of memory that sorting may use before it spills to `workDir`. */
  readonly sortBuffer: number;
  /** Maximum number of runs to merge at a time, at least 2. More runs take several passes. */
  readonly mergeFactor: number;
  /** Maximum bytes that the program may write in this attempt: `TASK_OUTPUT_LIMIT`. */
  readonly outputLimit: number;
  /** Maximum bytes of one record, which is an input line, or a key and its value: `RECORD_LIMIT`. */
  readonly recordLimit: number;
  /** Maximum bytes of memory of a program in WebAssembly. */
  readonly wasmMemory: number;
  /** On abort, programs are ended (SIGTERM to the process group, SIGKILL after 2 s) and everything rejects with the reason. */
  readonly signal: AbortSignal;
  readonly counters: Counters;
  /** Records every bit of progress. An attempt without progress for too long is ended. */
  readonly progress: Progress;
  /** Makes the pipes of programs. */
  readonly pipes: NamedPipes;
  /** The caller's ledger of live process groups, so that none outlives the runner. */
  readonly processes: { add(pid: number): void; remove(pid: number): void };
  /** Receives the text that the program reports with `reporter:status:`. */
  status(text: string): void;
  /** Receives a program's standard error. Modules' `console` output goes to the same log. The bytes are valid during the call. */
  log(bytes: Uint8Array): void;
};

import type { Counters } from "./counters.ts";
import type { Progress } from "./progress.ts";

/** What the data path of one attempt is given. */
export type AttemptContext = {
  /** Variables for programs (job, task, attempt …, under our names and Hadoop's); no credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** A private directory of this attempt, with nothing in it but the `workingDirectory` of programs, on a file system that has named pipes. The caller removes it afterwards. */
  readonly workDir: string;
  /** Bytes of memory that sorting may hold before it spills to `workDir`. */
  readonly sortBuffer: number;
  /** Most runs merged at a time, at least 2; where there are more, several passes. */
  readonly mergeFactor: number;
  /** Most bytes that the program may write in this attempt: `TASK_OUTPUT_LIMIT`. */
  readonly outputLimit: number;
  /** Most bytes of one record, that is an input line, or key and value: `RECORD_LIMIT`. */
  readonly recordLimit: number;
  /** When aborted, programs end (SIGTERM to the process group, SIGKILL after 2 s) and everything rejects with its reason. */
  readonly signal: AbortSignal;
  readonly counters: Counters;
  /** To be told of everything that gets done: an attempt that does nothing for too long is ended. */
  readonly progress: Progress;
  /** The caller's ledger of living process groups, so that none outlives the runner. */
  readonly processes: { add(pid: number): void; remove(pid: number): void };
  /** Takes what the program says with `reporter:status:`. */
  status(text: string): void;
  /** Takes what the program says on standard error, and a module with `console`; the bytes are valid during the call. */
  log(bytes: Uint8Array): void;
};

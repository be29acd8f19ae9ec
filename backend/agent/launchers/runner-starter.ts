import { randomUUID } from "node:crypto";
import type { JobOrder } from "../../job-order.ts";
import type { ProcessLedger } from "../../process-ledger.ts";
import { makeRunnerDirectory, noteJob, removeRunnerDirectory } from "./runner-directory.ts";
import { RunnerProcess } from "./runner-process.ts";

type RunnerStarterOptions = {
  /** The agent's directory. */
  readonly dir: string;
  /** The runner's program and arguments. */
  readonly command: readonly string[];
  /** Given to every runner, beside what is its own. */
  readonly env: NodeJS.ProcessEnv;
  readonly ledger: ProcessLedger;
  /** How long a runner may take to end when told to, in milliseconds. */
  readonly killAfterMs: number;
  readonly log: (text: string) => void;
};

/** A runner's process, which works for no job until it is given one. */
export type StartedRunner = { readonly runnerId: string; readonly process: RunnerProcess };

/** Starts runners, and gives them their jobs. */
export class RunnerStarter {
  readonly #options: RunnerStarterOptions;

  constructor(options: RunnerStarterOptions) {
    this.#options = options;
  }

  /** @throws Error when there is no room for the runner's directory or its process */
  start(): StartedRunner {
    const { dir, command, env, ledger, killAfterMs, log } = this.#options;
    const runnerId = `runner-${randomUUID().slice(0, 13)}`;
    const { work, programs } = makeRunnerDirectory(dir, runnerId);
    const process = new RunnerProcess({
      command,
      env: { ...env, RUNNER_ID: runnerId, WORK_DIR: work, PROCESS_LEDGER: programs },
      removeDirectory: () => removeRunnerDirectory(dir, runnerId),
      ledger,
      killAfterMs,
      onLine: (line) => log(`[${runnerId}] ${line}`),
    });
    return { runnerId, process };
  }

  /** Gives a runner its job, for good. A runner for which that fails is ended. @throws Error when the job cannot be noted */
  assign({ runnerId, process }: StartedRunner, order: JobOrder): void {
    try {
      noteJob(this.#options.dir, runnerId, order.jobId);
    } catch (error) {
      process.kill();
      throw error;
    }
    process.assign(order);
  }
}

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
  /** Passed to every runner, in addition to the runner's own variables. */
  readonly env: NodeJS.ProcessEnv;
  readonly ledger: ProcessLedger;
  /** How long a runner may take to end when told to, in milliseconds. */
  readonly killAfterMs: number;
  readonly log: (text: string) => void;
};

/** A runner's process, which has no job until one is assigned. */
export type StartedRunner = { readonly runnerId: string; readonly process: RunnerProcess };

/** Starts runners, and assigns them their jobs. */
export class RunnerStarter {
  readonly #options: RunnerStarterOptions;

  constructor(options: RunnerStarterOptions) {
    this.#options = options;
  }

  /** Starts a runner without a job. @throws Error if its directory cannot be created or its process cannot be spawned */
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

  /** Assigns a runner its job, permanently. If that fails, the runner is killed. @throws Error if the job cannot be recorded */
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

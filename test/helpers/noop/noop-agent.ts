import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "../../../backend/agent/agent.ts";
import type { Launcher } from "../../../backend/agent/launchers/launcher.ts";
import { readConfig } from "../../../backend/runner/config.ts";
import { Runner } from "../../../backend/runner/runner.ts";
import type { WantedJob } from "../../../shared/protocol/agent.ts";
import type { Edgefold } from "../edgefold.ts";
import { localAgentToken } from "../../../backend/host/local-access.ts";
import { NoopThread } from "./noop-thread.ts";

/** How long runners may take to end, in ms. */
const farewellMs = 5_000;

type Running = { readonly runner: Runner; readonly ended: Promise<void>; leaving: boolean };

/** Starts runners within this process, as many as a job wants, up to its own limit. Their tasks do nothing. */
class NoopLauncher implements Launcher {
  readonly name = "process";
  readonly capacity = 10_000;
  readonly #url: string;
  readonly #dir: string;
  readonly #perJob: number;
  readonly #jobs = new Map<string, Running[]>();
  #started = 0;

  constructor({ url, dir }: Edgefold, perJob: number) {
    this.#url = url;
    this.#dir = dir;
    this.#perJob = perJob;
  }

  want(jobs: readonly WantedJob[]): void {
    for (const job of jobs) {
      const wanted = Math.min(job.runners, this.#perJob);
      const staying = this.#runnersOf(job.jobId).filter(({ leaving }) => !leaving);
      for (const running of staying.slice(wanted)) {
        running.leaving = true;
        running.runner.drain();
      }
      for (let missing = wanted - staying.length; missing > 0; missing--) this.#start(job);
    }
  }

  async remove(jobId: string): Promise<void> {
    const runners = this.#runnersOf(jobId);
    for (const { runner } of runners) runner.quit("the job is removed", true);
    await Promise.all(runners.map(({ ended }) => ended));
    this.#jobs.delete(jobId);
  }

  async stop(): Promise<void> {
    const removed = Promise.all([...this.#jobs.keys()].map((jobId) => this.remove(jobId)));
    // A runner that cannot reach the Worker retries indefinitely; if it were a process, it would be ended at this point.
    await Promise.race([removed, sleep(farewellMs, undefined, { ref: false })]);
  }

  kill(): void {
    void this.stop();
  }

  #runnersOf(jobId: string): Running[] {
    return this.#jobs.get(jobId) ?? [];
  }

  #start({ jobId, token }: WantedJob): void {
    const id = `noop-${++this.#started}`;
    const dir = join(this.#dir, "noop", id);
    const config = readConfig({ WORKER_URL: this.#url, RUNNER_ID: id, WORK_DIR: dir, PROCESS_LEDGER: join(dir, "l") });
    const runner = new Runner(config, { jobId, token }, new NoopThread());
    const running: Running = {
      runner,
      leaving: false,
      ended: runner.run().finally(() => {
        this.#jobs.set(
          jobId,
          this.#runnersOf(jobId).filter((each) => each !== running),
        );
      }),
    };
    this.#jobs.set(jobId, [...this.#runnersOf(jobId), running]);
  }
}

/**
 * The real agent and runners, but in this process and with tasks that do nothing: they load only the control plane.
 * @param perJob maximum number of runners for a job
 */
export const startNoopAgent = async (edgefold: Edgefold, perJob: number): Promise<Agent> => {
  const connected = Promise.withResolvers<void>();
  const agent = new Agent({
    url: `${edgefold.url.replace(/^http/, "ws")}/api/v1/agents/default/link`,
    token: localAgentToken,
    // A cluster's name belongs to the first id that uses it.
    clusterId: "noop",
    launcher: () => new NoopLauncher(edgefold, perJob),
    onConnected: () => connected.resolve(),
    log: (text) => process.stderr.write(`${text}\n`),
  });
  await connected.promise;
  return agent;
};

/** The request for a job that such runners can run: `maps` maps and `nReducers` reduces. */
export const noopJob = ({ s3Endpoint }: Edgefold, maps: number, nReducers: number): Record<string, unknown> => ({
  inputPath: `${s3Endpoint}/data/${maps}`,
  mapperName: "noop",
  ...(nReducers === 0 ? {} : { reducerName: "noop" }),
  nReducers,
  splitSize: 1,
});

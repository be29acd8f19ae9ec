import { setTimeout as sleep } from "node:timers/promises";
import { localR2EndpointPath } from "../../shared/address.ts";
import { describeEnd, startAgent, startWorker } from "./parts.ts";
import { isFree } from "./port.ts";

/** How long a Worker that has ended may keep its port, in ms. */
const portMs = 5_000;

export type SystemOptions = {
  readonly port: number;
  /** Where the Worker and the agent keep their state. */
  readonly stateDir: string;
  /** Directories that `file:` addresses may lie in. */
  readonly fileRoots: readonly string[];
};

/** A whole Edgefold on this machine: the Worker with its S3 endpoint, and an agent with its runners. */
export type System = {
  readonly url: string;
  readonly s3Endpoint: string;
  /** Resolves with the reason when one of its parts has ended for good. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
};

/**
 * Starts the Worker, then the agent. Resolves when a job can be posted. A Worker that ends by itself is started again: its
 * state is on disk, and the agent and the runners reconnect.
 *
 * @throws StartError
 */
export const startSystem = async ({ port, stateDir, fileRoots }: SystemOptions): Promise<System> => {
  const url = `http://localhost:${port}`;
  let worker = await startWorker(port, stateDir);
  let stopping = false;
  const keepWorker = async (): Promise<string> => {
    for (;;) {
      await worker.exited;
      // What it may have left in its group still holds the port.
      await worker.stop();
      if (stopping) return "The Worker was stopped.";
      process.stderr.write("The Worker has ended; starting it again.\n");
      // A process that was killed may keep its port for a moment.
      for (const end = Date.now() + portMs; !(await isFree(port)) && Date.now() < end;) await sleep(50);
      try {
        worker = await startWorker(port, stateDir);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    }
  };
  try {
    const agent = await startAgent(url, stateDir, fileRoots);
    return {
      url,
      s3Endpoint: url + localR2EndpointPath,
      failed: Promise.race([keepWorker(), describeEnd(agent, "The agent")]),
      stop: async () => {
        stopping = true;
        // The agent first, so that its runners can give their attempts back.
        await agent.stop();
        await worker.stop();
      },
    };
  } catch (error) {
    await worker.stop();
    throw error;
  }
};

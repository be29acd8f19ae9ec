import { localR2EndpointPath } from "../../shared/address.ts";
import { toStandardError, type Guarded } from "./guarded.ts";
import type { HostAccess } from "./local-access.ts";
import { describeEnd, startAgent, startWorker } from "./parts.ts";

export type SystemOptions = {
  readonly port: number;
  /** The address to listen on. @default the loopback interface */
  readonly listen?: string | undefined;
  /** Where the Worker and the agent keep their state. */
  readonly stateDir: string;
  /** The directories that `file:` addresses may lead to. */
  readonly fileRoots: readonly string[];
  /** @default the access to a host that serves only its own machine */
  readonly access?: HostAccess;
  /** Receives the Worker's standard error and, once the Worker answers, the agent's. @default writes to this process's own */
  readonly log?: (text: string) => void;
};

/** A complete Edgefold instance on this machine: the Worker with its S3 endpoint, and an agent with its runners. */
export type System = {
  readonly url: string;
  readonly s3Endpoint: string;
  /** Resolves with the reason when one of its parts has ended for good. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
};

/**
 * Starts the Worker and the agent. Resolves when a job can be submitted. A Worker that ends unexpectedly is restarted: its state
 * is on disk, and the agent and the runners reconnect.
 *
 * @throws StartError
 */
export const startSystem = async ({ port, stateDir, fileRoots, ...options }: SystemOptions): Promise<System> => {
  const url = `http://localhost:${port}`;
  const write = options.log ?? toStandardError;
  let worker: Guarded | undefined;
  let stopping = false;
  const abort = new AbortController();
  const { signal } = abort;
  const startOnce = async (): Promise<Guarded> => await startWorker(port, stateDir, { ...options, signal, log: write });
  const keepWorker = async (running: Guarded): Promise<string> => {
    worker = running;
    for (;;) {
      await worker.exited;
      // Processes that it may have left in its group still hold the port.
      await worker.stop();
      if (stopping) return "The Worker was stopped.";
      write("The Worker has ended; starting it again.\n");
      try {
        worker = await startOnce();
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    }
  };
  // Both start concurrently, because they take about equally long. Until the Worker answers, the agent's output says only that
  // it does not, and is dropped.
  let isAnswering = false;
  const log = (text: string): void => {
    if (isAnswering) write(text);
  };
  let failure: unknown;
  // If one of them fails to start, the start of the other is aborted.
  const orAbort = async (part: Promise<Guarded>): Promise<Guarded> => {
    part.catch((error: unknown) => {
      failure ??= error;
      abort.abort();
    });
    return await part;
  };
  const parts = await Promise.allSettled([
    orAbort(
      startOnce().then((started) => {
        isAnswering = true;
        return started;
      }),
    ),
    orAbort(startAgent(url, stateDir, fileRoots, { ...options, signal, log })),
  ]);
  const [started, agent] = parts;
  if (started.status === "rejected" || agent.status === "rejected") {
    for (const part of parts) if (part.status === "fulfilled") await part.value.stop();
    throw failure;
  }
  return {
    url,
    s3Endpoint: url + localR2EndpointPath,
    failed: Promise.race([keepWorker(started.value), describeEnd(agent.value, "The agent")]),
    stop: async () => {
      stopping = true;
      // The agent stops first, so that its runners can give their attempts back.
      await agent.value.stop();
      await worker?.stop();
    },
  };
};

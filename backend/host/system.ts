import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { localR2EndpointPath } from "../../shared/address.ts";
import { Guarded } from "./guarded.ts";

/** The project's folder. */
const root = fileURLToPath(new URL("../../", import.meta.url));

/** How long the Worker may take to answer, and the agent to connect, in ms. */
const startMs = 60_000;

/** The keys of the local S3 endpoint, as `wrangler.toml` sets them. They protect nothing: the endpoint is this machine's alone. */
export const localKeys = { username: "local-development", password: "local-development-secret" } as const;

/** How long a Worker that has ended may keep its port, in ms. */
const portMs = 5_000;

/** Why the system does not start, in words for the user. */
export class StartError extends Error {
  override name = "StartError";
}

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
  /** Resolves with the reason when one of its parts ends by itself. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
};

/**
 * Starts the Worker, then the agent. Resolves when a job can be posted. A Worker that ends by itself is started again, as
 * `wrangler dev` does when a client breaks off an upload; its state is on disk, and everyone dials it again.
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
      failed: Promise.race([keepWorker(), ended(agent, "The agent")]),
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

export type PartOptions = {
  /** What the part is started with. @default this process's environment */
  readonly env?: NodeJS.ProcessEnv;
  /** Takes what it prints on its standard error. @default this process's own */
  readonly log?: ((text: string) => void) | undefined;
};

/** Starts `wrangler dev` with the local S3 endpoint. Resolves when it answers. @throws StartError */
export const startWorker = async (
  port: number,
  stateDir: string,
  { env = process.env, log }: PartOptions = {},
): Promise<Guarded> => {
  if (!(await isFree(port))) {
    const advice = `Choose another one with the variable PORT, as in: PORT=${port + 1} npm run dev`;
    throw new StartError(`Port ${port} is taken. ${advice}`);
  }
  const variables = ["LEASE_SECONDS", "JOB_RETENTION_DAYS"].flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : ["--var", `${name}:${value}`];
  });
  const worker = new Guarded(
    [
      join(root, "node_modules/wrangler/bin/wrangler.js"),
      "dev",
      `--config=${join(root, "wrangler.toml")}`,
      "--env=dev",
      `--port=${port}`,
      `--persist-to=${stateDir}`,
      "--inspector-port=0",
      "--log-level=error",
      "--show-interactive-dev-session=false",
      ...variables,
    ],
    // The local trace store costs more than half of the throughput.
    { ...env, X_LOCAL_OBSERVABILITY: "false", WRANGLER_SEND_METRICS: "false" },
    undefined,
    log,
  );
  return started(worker, "The Worker", (signal) => answering(`http://localhost:${port}`, signal));
};

/** Starts an agent with its runners. Resolves when it is connected. @throws StartError */
export const startAgent = async (
  url: string,
  stateDir: string,
  fileRoots: readonly string[],
  { env = process.env, log }: PartOptions = {},
): Promise<Guarded> => {
  const connected = Promise.withResolvers<void>();
  const agent = new Guarded(
    [join(root, "backend/agent/main.ts")],
    { ...env, ...agentEnvironment(url, stateDir, fileRoots) },
    (line) => {
      if (line.startsWith("agent connected")) connected.resolve();
    },
    log,
  );
  return started(agent, "The agent", () => connected.promise);
};

/** Waits for a part to be ready, and ends it where that fails. */
const started = async (
  part: Guarded,
  name: string,
  ready: (signal: AbortSignal) => Promise<void>,
): Promise<Guarded> => {
  const limit = new AbortController();
  const late = sleep(startMs, undefined, { ref: false, signal: limit.signal }).then(
    () => `${name} did not start within ${startMs / 1000} s.\n${part.tail}`,
    () => undefined,
  );
  const problem = await Promise.race([ready(limit.signal), ended(part, name), late]);
  limit.abort();
  if (typeof problem !== "string") return part;
  await part.stop();
  throw new StartError(problem);
};

/** The token of the only cluster of `.dev.vars`. */
export const localAgentToken = (): string => {
  const { AGENT_TOKENS = "" } = parseEnv(readFileSync(join(root, ".dev.vars"), "utf8"));
  return AGENT_TOKENS.slice(AGENT_TOKENS.indexOf("=") + 1);
};

const agentEnvironment = (url: string, stateDir: string, fileRoots: readonly string[]): NodeJS.ProcessEnv => ({
  WORKER_URL: url,
  AGENT_TOKEN: localAgentToken(),
  STATE_DIR: stateDir,
  FILE_ROOTS: fileRoots.join(delimiter),
});

/** Whether nothing listens on the port. */
const isFree = async (port: number): Promise<boolean> => {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer();
    const isTaken = await new Promise<boolean>((resolve) => {
      // Any other error means that this machine has no such address.
      server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
      server.listen(port, host, () => server.close(() => resolve(false)));
    });
    if (isTaken) return false;
  }
  return true;
};

/** Resolves when the Worker answers, or the signal has ended the wait. */
const answering = async (url: string, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await sleep(100, undefined, { ref: false });
  }
};

const ended = async (part: Guarded, name: string): Promise<string> => {
  await part.exited;
  return `${name} has ended.\n${part.tail}`;
};

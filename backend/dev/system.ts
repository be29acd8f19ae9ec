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

/** Starts the Worker, then the agent. Resolves when a job can be posted. @throws StartError */
export const startSystem = async ({ port, stateDir, fileRoots }: SystemOptions): Promise<System> => {
  await checkPort(port);
  const url = `http://localhost:${port}`;
  const worker = startWorker(port, stateDir);
  const parts = [worker];
  const stop = async (): Promise<void> => {
    // The agent first, so that its runners can give their attempts back.
    for (const part of parts.toReversed()) await part.stop();
  };
  try {
    await answering(url, worker);
    const connected = Promise.withResolvers<void>();
    const agent = new Guarded([join(root, "backend/agent/main.ts")], agentEnvironment(url, stateDir, fileRoots), (line) => {
      if (line.startsWith("agent connected")) connected.resolve();
    });
    parts.push(agent);
    await Promise.race([connected.promise, failure(agent, "The agent"), timeLimit("The agent did not connect")]);
    const failed = Promise.race([ended(worker, "The Worker"), ended(agent, "The agent")]);
    return { url, s3Endpoint: url + localR2EndpointPath, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const startWorker = (port: number, stateDir: string): Guarded =>
  new Guarded(
    [
      join(root, "node_modules/wrangler/bin/wrangler.js"),
      "dev",
      ...["--config", join(root, "wrangler.toml"), "--env", "dev"],
      ...["--port", String(port), "--persist-to", stateDir],
      ...["--inspector-port", "0", "--log-level", "warn", "--show-interactive-dev-session=false"],
      ...(process.env["LEASE_SECONDS"] === undefined ? [] : ["--var", `LEASE_SECONDS:${process.env["LEASE_SECONDS"]}`]),
    ],
    // The local trace store costs more than half of the throughput.
    { ...process.env, X_LOCAL_OBSERVABILITY: "false", WRANGLER_SEND_METRICS: "false" },
  );

const agentEnvironment = (url: string, stateDir: string, fileRoots: readonly string[]): NodeJS.ProcessEnv => {
  const { AGENT_TOKENS = "" } = parseEnv(readFileSync(join(root, ".dev.vars"), "utf8"));
  return {
    ...process.env,
    WORKER_URL: url,
    AGENT_TOKEN: AGENT_TOKENS.slice(AGENT_TOKENS.indexOf("=") + 1),
    STATE_DIR: stateDir,
    FILE_ROOTS: fileRoots.join(delimiter),
  };
};

/** @throws StartError where something else listens on the port */
const checkPort = async (port: number): Promise<void> => {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EADDRINUSE") resolve();
        else reject(new StartError(`Port ${port} is taken. Choose another one with the variable PORT, as in: PORT=${port + 1} npm run dev`));
      });
      server.listen(port, host, () => server.close(() => resolve()));
    });
  }
};

const answering = async (url: string, worker: Guarded): Promise<void> => {
  const failed = failure(worker, "The Worker");
  for (const end = Date.now() + startMs; Date.now() < end;) {
    const answer = await Promise.race([fetch(url).catch(() => undefined), failed]);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await sleep(100);
  }
  throw new StartError(`The Worker did not answer on ${url} within ${startMs / 1000} s.\n${worker.tail}`);
};

const ended = async (part: Guarded, name: string): Promise<string> => {
  await part.exited;
  return `${name} has ended.\n${part.tail}`;
};

const failure = async (part: Guarded, name: string): Promise<never> => {
  throw new StartError(await ended(part, name));
};

const timeLimit = async (what: string): Promise<never> => {
  await sleep(startMs, undefined, { ref: false });
  throw new StartError(`${what} within ${startMs / 1000} s.`);
};

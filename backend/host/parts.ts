import { mkdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { localR2EndpointPath } from "../../shared/address.ts";
import { programsFolder } from "./build.ts";
import { Guarded } from "./guarded.ts";
import { localAccess, type HostAccess } from "./local-access.ts";
import { isFree } from "./port.ts";

/** How long a part may take to start, in milliseconds. A machine with 20 busy processes per core needs about a tenth of it. */
const startMs = 60_000;

/** The system cannot start. The message is meant for the user. */
export class StartError extends Error {
  override name = "StartError";
}

export type PartOptions = {
  /** @default the access to a host that serves only its own machine */
  readonly access?: HostAccess;
  /** The environment of the part. @default this process's environment */
  readonly env?: NodeJS.ProcessEnv;
  /** Receives what the part prints to its standard error. @default writes to this process's own */
  readonly log?: ((text: string) => void) | undefined;
  /** Aborts the start. */
  readonly signal?: AbortSignal | undefined;
};

type WorkerOptions = PartOptions & {
  /** The address to listen on. @default the loopback interface */
  readonly listen?: string | undefined;
};

/** The variables of the Worker that this process's environment can set. */
const workerVariables = ["LEASE_SECONDS", "JOB_RETENTION_DAYS"];

/**
 * Starts the local host, the Worker with its S3 endpoint, in a separate process. Resolves when it answers.
 * @throws StartError
 */
export const startWorker = async (
  port: number,
  stateDir: string,
  { access = localAccess, listen = "localhost", env = process.env, log, signal }: WorkerOptions = {},
): Promise<Guarded> => {
  if (!(await isFree(port))) {
    throw new StartError(
      `Port ${port} is taken. Choose another one with --port, or with the variable PORT: PORT=${port + 1}.`,
    );
  }
  const variables = workerVariables.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  // A temporary directory of its own, because a host that is killed leaves its temporary files behind.
  const temporary = join(stateDir, "tmp");
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  const ready = Promise.withResolvers<void>();
  const worker = new Guarded(
    [fileURLToPath(new URL("main.ts", import.meta.url))],
    {
      ...env,
      PORT: String(port),
      LISTEN: listen,
      STATE_DIR: stateDir,
      VARIABLES: JSON.stringify({ ...access.variables, ...Object.fromEntries(variables) }),
      KEYS: JSON.stringify(access.keys),
      TMPDIR: temporary,
    },
    (line) => {
      if (line === "ready") ready.resolve();
    },
    log,
  );
  await waitForStart(worker, "The Worker", ready.promise, signal);
  const answer = await fetch(`http://localhost:${port}/openapi.json`);
  const text = await answer.text();
  if (answer.ok) return worker;
  await worker.stop();
  throw new StartError(`The Worker refuses to work (HTTP ${answer.status}): ${text}`);
};

/** Starts an agent with its runners. Resolves when it is connected. @throws StartError */
export const startAgent = async (
  url: string,
  stateDir: string,
  fileRoots: readonly string[],
  { access = localAccess, env = process.env, log, signal }: PartOptions = {},
): Promise<Guarded> => {
  const connected = Promise.withResolvers<void>();
  const agent = new Guarded(
    [join(await programsFolder(), "agent/main.js")],
    {
      // The default endpoint of s3:// addresses, unless the user has set another one.
      AWS_ENDPOINT_URL_S3: env["AWS_ENDPOINT_URL"] ?? url + localR2EndpointPath,
      ...env,
      WORKER_URL: url,
      AGENT_TOKEN: access.agentToken,
      STATE_DIR: stateDir,
      FILE_ROOTS: fileRoots.join(delimiter),
    },
    (line) => {
      if (line.startsWith("agent connected")) connected.resolve();
    },
    log,
  );
  await waitForStart(agent, "The agent", connected.promise, signal);
  return agent;
};

/** Waits until a part ends, and describes its unexpected end. */
export const describeEnd = async (part: Guarded, name: string): Promise<string> => {
  await part.exited;
  return `${name} has ended.\n${part.tail}`;
};

/** Waits until a part is ready. @throws StartError if it ends first or takes too long; it is then stopped */
const waitForStart = async (
  part: Guarded,
  name: string,
  ready: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const limit = new AbortController();
  const ends = AbortSignal.any([limit.signal, ...(signal === undefined ? [] : [signal])]);
  const late = sleep(startMs, undefined, { ref: false, signal: ends }).then(
    () => `${name} did not start within ${startMs / 1000} s.\n${part.tail}`,
    () => (signal?.aborted === true ? `${name} was not started any more.` : undefined),
  );
  const problem = await Promise.race([ready, describeEnd(part, name), late]);
  limit.abort();
  if (typeof problem !== "string") return;
  await part.stop();
  throw new StartError(problem);
};

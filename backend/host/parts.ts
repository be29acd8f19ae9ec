import { mkdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { localR2EndpointPath } from "../../shared/address.ts";
import { Guarded } from "./guarded.ts";
import { localAccess, type HostAccess } from "./local-access.ts";
import { isFree } from "./port.ts";

/** How long a part may take to start, in ms. A machine with twenty busy processes a core needs about a tenth of it. */
const startMs = 60_000;

/** Why the system does not start, in words for the user. */
export class StartError extends Error {
  override name = "StartError";
}

export type PartOptions = {
  /** @default that of a host which serves its own machine */
  readonly access?: HostAccess;
  /** What the part is started with. @default this process's environment */
  readonly env?: NodeJS.ProcessEnv;
  /** Takes what it prints on its standard error. @default this process's own */
  readonly log?: ((text: string) => void) | undefined;
  /** Gives the start up. */
  readonly signal?: AbortSignal | undefined;
};

type WorkerOptions = PartOptions & {
  /** The address to listen on. @default the loopback interface */
  readonly listen?: string | undefined;
};

/** Variables of the Worker that this process's environment can set. */
const workerVariables = ["LEASE_SECONDS", "JOB_RETENTION_DAYS"];

/**
 * Starts the local host: the Worker with its S3 endpoint, in a process of its own. Resolves when it answers.
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
  // Its own, as a host that is killed leaves its temporary files behind.
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
    [fileURLToPath(new URL("../agent/main.ts", import.meta.url))],
    {
      // Where s3:// addresses lead, unless the user has said otherwise.
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

/** Describes the end of a part that was to go on. */
export const describeEnd = async (part: Guarded, name: string): Promise<string> => {
  await part.exited;
  return `${name} has ended.\n${part.tail}`;
};

/** Waits until a part is ready. @throws StartError where it ends before, or takes too long; then nothing is left of it */
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

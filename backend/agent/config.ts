import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { ClusterNameSchema } from "../../shared/pods.ts";
import { EndpointListTextSchema } from "../storage/endpoint-list.ts";

const EnvironmentSchema = z.object({
  /** How runners are started: as processes on this machine, or as pods. */
  LAUNCHER: z.enum(["process", "kubernetes"], "must be process or kubernetes").default("process"),
  /** The Worker's URL. */
  WORKER_URL: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).default("http://localhost:4750"),
  /** The name by which jobs select this cluster. */
  CLUSTER: ClusterNameSchema.default("default"),
  AGENT_TOKEN: z.string("is required: the token with which the agent signs in at the Worker"),
  /** The maximum number of concurrent runners. */
  RUNNERS: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, "must be a whole number from 1 to 999999")
    .transform(Number)
    .default(availableParallelism()),
  /** Where map outputs are kept: a directory on this machine, or `store`, the store of the job's output. */
  SHUFFLE: z.string().optional(),
  STATE_DIR: z.string().default(".wrangler/state"),
  /** Used by runners. Also validated here, so that a mistake is reported when the agent starts. */
  STORAGE_ENDPOINTS: EndpointListTextSchema.optional(),
});

/** The agent's own directory. */
export const agentDirectory = (stateDir: string): string => join(stateDir, "agent");

export type AgentConfig = {
  readonly launcher: "process" | "kubernetes";
  /** Without a trailing slash. */
  readonly workerUrl: string;
  readonly cluster: string;
  readonly token: string;
  readonly runners: number;
  /** Absolute. */
  readonly stateDir: string;
  /** The directory of map outputs, absolute, or `store`. */
  readonly shuffle: string;
};

/** The environment is missing or has invalid settings. The message names every variable at fault. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Parses the environment with a schema. An empty variable counts as unset.
 * @throws ConfigError
 */
export const parseConfig = <T>(schema: z.ZodType<T>, environment: NodeJS.ProcessEnv): T => {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  throw new ConfigError(parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("\n"));
};

/** Reads the agent's configuration. @throws ConfigError */
export const readAgentConfig = (environment: NodeJS.ProcessEnv): AgentConfig => {
  const { LAUNCHER, WORKER_URL, CLUSTER, AGENT_TOKEN, RUNNERS, SHUFFLE, STATE_DIR } = parseConfig(
    EnvironmentSchema,
    environment,
  );
  const stateDir = resolve(STATE_DIR);
  return {
    launcher: LAUNCHER,
    workerUrl: WORKER_URL.replace(/\/+$/, ""),
    cluster: CLUSTER,
    token: AGENT_TOKEN,
    runners: RUNNERS,
    stateDir,
    shuffle: SHUFFLE === "store" ? SHUFFLE : resolve(SHUFFLE ?? join(agentDirectory(stateDir), "shuffle")),
  };
};

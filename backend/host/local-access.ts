/*
 * What gives access to an Edgefold on one machine. It protects nothing: the Worker and its S3 endpoint listen on the loopback
 * interface alone.
 */

/** The keys of the local S3 endpoint, as `wrangler.toml` sets them. */
export const localKeys = { username: "local-development", password: "local-development-secret" } as const;

/** The token of the agent of the only cluster, `default`. */
export const localAgentToken = "local-development-agent";

/** What a deployed Worker has as secrets. `wrangler.toml` has the same for `wrangler dev --env dev`. */
export const localVariables = {
  OPEN_TO: "loopback",
  AGENT_TOKENS: `default=${localAgentToken}`,
  SECRET_KEY: "local-development-key-that-protects-nothing",
} as const;

/** What gives access to a host. */
export type HostAccess = {
  /** Secrets of the Worker. */
  readonly variables: Readonly<Record<string, string>>;
  readonly agentToken: string;
  /** Those of its S3 endpoint. */
  readonly keys: { readonly username: string; readonly password: string };
};

/** Of a host that serves its own machine. */
export const localAccess: HostAccess = { variables: localVariables, agentToken: localAgentToken, keys: localKeys };

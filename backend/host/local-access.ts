/*
 * The secrets of an Edgefold instance on one machine. They protect nothing: the Worker and its S3 endpoint listen only on the
 * loopback interface.
 */

/** The keys of the local S3 endpoint, as set in `wrangler.toml`. */
export const localKeys = { username: "local-development", password: "local-development-secret" } as const;

/** The token of the agent of the only cluster, `default`. */
export const localAgentToken = "local-development-agent";

/** The variables that a deployed Worker has as secrets. `wrangler.toml` sets the same ones for `wrangler dev --env dev`. */
export const localVariables = {
  OPEN_TO: "loopback",
  AGENT_TOKENS: `default=${localAgentToken}`,
  SECRET_KEY: "local-development-key-that-protects-nothing",
} as const;

/** The secrets that give access to a host. */
export type HostAccess = {
  /** The secrets of the Worker. */
  readonly variables: Readonly<Record<string, string>>;
  readonly agentToken: string;
  /** The keys of its S3 endpoint. */
  readonly keys: { readonly username: string; readonly password: string };
};

/** The access to a host that serves only its own machine. */
export const localAccess: HostAccess = { variables: localVariables, agentToken: localAgentToken, keys: localKeys };

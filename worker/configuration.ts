import type { Env } from "./env.ts";
import { ProblemError } from "./problems.ts";

/** Characters below which a token or the key is too easily guessed, and counts as not set. */
const minTokenLength = 16;
const minKeyLength = 32;

export type AgentToken = { readonly cluster: string; readonly token: string };

export type Configuration = {
  /** Requests from this machine need no token. */
  readonly open: boolean;
  readonly apiTokens: readonly string[];
  readonly agentTokens: readonly AgentToken[];
};

const entries = (text: string | undefined): string[] =>
  (text ?? "").split(",").flatMap((entry) => (entry.trim() === "" ? [] : [entry.trim()]));

const agentToken = (entry: string): AgentToken => {
  const equals = entry.indexOf("=");
  return { cluster: entry.slice(0, Math.max(0, equals)).trim(), token: entry.slice(equals + 1).trim() };
};

/**
 * Reads what says who may call. The Worker is closed until all of it is there.
 *
 * @throws ProblemError naming every variable that is missing or counts as missing, and how to set it
 */
export const readConfiguration = (env: Env): Configuration => {
  const faults: string[] = [];
  const fault = (name: string, what: string): void => {
    faults.push(`${name} ${what}: set it with \`npx wrangler secret put ${name}\``);
  };
  const open = env.OPEN_TO === "loopback";
  if (!open && (env.OPEN_TO ?? "") !== "") faults.push("OPEN_TO can only be 'loopback' or absent");

  const apiTokens = entries(env.API_TOKENS);
  if (!open) {
    if (apiTokens.length === 0) fault("API_TOKENS", "is not set (tokens of the REST API, separated by commas)");
    if (apiTokens.some((token) => token.length < minTokenLength)) {
      fault("API_TOKENS", `counts as not set, as a token has fewer than ${minTokenLength} characters`);
    }
  }
  const agentTokens = entries(env.AGENT_TOKENS).map(agentToken);
  if (agentTokens.length === 0) {
    fault("AGENT_TOKENS", "is not set (cluster=token pairs, separated by commas, such as default=…)");
  } else if (agentTokens.some(({ cluster }) => cluster === "")) {
    fault("AGENT_TOKENS", "counts as not set, as an entry is not a cluster=token pair");
  } else if (agentTokens.some(({ token }) => token.length < minTokenLength)) {
    fault("AGENT_TOKENS", `counts as not set, as a token has fewer than ${minTokenLength} characters`);
  }
  const key = env.SECRET_KEY ?? "";
  if (key === "") fault("SECRET_KEY", "is not set (a long random text)");
  else if (key.length < minKeyLength) {
    fault("SECRET_KEY", `counts as not set, as it has fewer than ${minKeyLength} characters`);
  }
  if (faults.length > 0) throw new ProblemError("not-configured", `${faults.join("; ")}.`);
  return { open, apiTokens, agentTokens };
};

/** The clusters that there may be, each once, in the order of `AGENT_TOKENS`. */
export const clusterNames = (env: Env): string[] => [
  ...new Set(readConfiguration(env).agentTokens.map(({ cluster }) => cluster)),
];

/** The configured texts that must never be logged. */
export const secretsOf = (env: Env): string[] =>
  [
    ...entries(env.API_TOKENS),
    ...entries(env.AGENT_TOKENS).map((entry) => agentToken(entry).token),
    env.SECRET_KEY ?? "",
  ].filter((secret) => secret !== "");

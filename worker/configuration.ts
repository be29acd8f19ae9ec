import { roles, type Role } from "../shared/api/tokens.ts";
import type { Env } from "./env.ts";
import { ProblemError } from "./http/problems.ts";
import { durationFaults } from "./durations.ts";

/** The fewest characters of a token and of a key. Shorter ones are too easily guessed, and count as not set. */
const minTokenLength = 16;
const minKeyLength = 32;

export type AgentToken = { readonly cluster: string; readonly token: string };

export type ApiToken = {
  /** Who uses it. */
  readonly name: string;
  readonly role: Role;
  /** In ms since 1970: from then on it is worth nothing. */
  readonly expires: number;
  readonly token: string;
};

export type Configuration = {
  /** Requests from this machine need no token. */
  readonly open: boolean;
  readonly apiTokens: readonly ApiToken[];
  readonly agentTokens: readonly AgentToken[];
};

const entries = (text: string | undefined): string[] =>
  (text ?? "").split(",").flatMap((entry) => (entry.trim() === "" ? [] : [entry.trim()]));

const agentToken = (entry: string): AgentToken => {
  const equals = entry.indexOf("=");
  return { cluster: entry.slice(0, Math.max(0, equals)).trim(), token: entry.slice(equals + 1).trim() };
};

/** The identity of tokens without a name. */
const anybody = { name: "api", role: "admin", expires: Infinity } as const;

const described = /^([A-Za-z0-9._@-]+)\/(\w+)(?:\/(\d{4}-\d\d-\d\d))?=(.+)$/;

/** @returns undefined if the role or the day is not valid */
const apiToken = (entry: string): ApiToken | undefined => {
  const [, name, given, day, token] = described.exec(entry) ?? [];
  if (name === undefined || token === undefined) return { ...anybody, token: entry };
  const role = roles.find((known) => known === given);
  const expires = day === undefined ? Infinity : Date.parse(`${day}T00:00:00Z`);
  return role === undefined || Number.isNaN(expires) ? undefined : { name, role, expires, token };
};

/** `https://app.example.com`: scheme, host and a port that is not the usual one, as browsers write them. */
const isOrigin = (text: string): boolean =>
  /^https?:[^*]*$/.test(text) && URL.canParse(text) && new URL(text).origin === text;

/** The origins whose pages may call, as `CORS_ORIGINS` names them. */
export const corsOriginsOf = (env: Env): string[] => entries(env.CORS_ORIGINS);

/**
 * Reads who may call. The Worker is closed until all of it is configured.
 *
 * @throws ProblemError that names every variable that is missing or invalid, and how to set it
 */
export const readConfiguration = (env: Env): Configuration => {
  const faults: string[] = [];
  const fault = (name: string, what: string): void => {
    faults.push(`${name} ${what}: set it with \`npx wrangler secret put ${name}\``);
  };
  const open = env.OPEN_TO === "loopback";
  if (!open && (env.OPEN_TO ?? "") !== "") faults.push("OPEN_TO can only be 'loopback' or absent");

  const apiEntries = entries(env.API_TOKENS);
  const apiTokens = apiEntries.flatMap((entry) => apiToken(entry) ?? []);
  if (!open) {
    if (apiEntries.length === 0) fault("API_TOKENS", "is not set (tokens of the REST API, separated by commas)");
    if (apiTokens.length < apiEntries.length) {
      fault(
        "API_TOKENS",
        `counts as not set, as an entry name/role/YYYY-MM-DD=token names no role (${roles.join(", ")}) or day`,
      );
    } else if (apiTokens.some(({ token }) => token.length < minTokenLength)) {
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
  const other = env.SECRET_KEY_PREVIOUS ?? "";
  if (other !== "" && other.length < minKeyLength) {
    faults.push(`SECRET_KEY_PREVIOUS has fewer than ${minKeyLength} characters: set a longer one, or delete it`);
  }
  const wrong = corsOriginsOf(env).find((origin) => !isOrigin(origin));
  if (wrong !== undefined) {
    faults.push(
      `CORS_ORIGINS lists '${wrong}', which is not an origin such as https://app.example.com. Patterns are not supported`,
    );
  }
  faults.push(...durationFaults(env));
  if (faults.length > 0) throw new ProblemError("not-configured", `${faults.join("; ")}.`);
  return { open, apiTokens, agentTokens };
};

/** The names that tokens of `API_TOKENS` have. */
export const configuredNames = (env: Env): Set<string> =>
  new Set(readConfiguration(env).apiTokens.map(({ name }) => name));

/** The names of all clusters, each once, in the order of `AGENT_TOKENS`. */
export const clusterNames = (env: Env): string[] => [
  ...new Set(readConfiguration(env).agentTokens.map(({ cluster }) => cluster)),
];

/** The configured texts that must never be logged. */
export const secretsOf = (env: Env): string[] =>
  [
    ...entries(env.API_TOKENS).map((entry) => apiToken(entry)?.token ?? entry),
    ...entries(env.AGENT_TOKENS).map((entry) => agentToken(entry).token),
    env.SECRET_KEY ?? "",
    env.SECRET_KEY_PREVIOUS ?? "",
  ].filter((secret) => secret !== "");

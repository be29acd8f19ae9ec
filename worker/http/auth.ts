import { roles, type Role } from "../../shared/api/tokens.ts";
import { corsOriginsOf, type ApiToken, type Configuration } from "../configuration.ts";
import type { Env } from "../env.ts";
import { findIssuedToken } from "./issued-tokens.ts";
import { requireLoopback } from "./loopback.ts";
import { ProblemError } from "./problems.ts";
import { countCall, countGuess, refuseGuessing } from "./rate-limits.ts";
import { verifyRunnerToken } from "../secrets/tokens.ts";

/** Who a resource is for: anyone, users of the API, a job's runners (`id` in the path), or a cluster's agent (`cluster`). */
export type Audience = "anyone" | "api" | "runner" | "agent";

const unauthorized = (detail: string): ProblemError =>
  new ProblemError("unauthorized", detail, { headers: { "WWW-Authenticate": "Bearer" } });

const hashToken = async (text: string): Promise<ArrayBuffer> =>
  await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));

/** Those of `known` that have the token. Compares digests, and all of them, so that timing reveals nothing. */
const findMatching = async <T extends { readonly token: string }>(token: string, known: readonly T[]): Promise<T[]> => {
  const presented = await hashToken(token);
  const digests = await Promise.all(known.map(async (entry) => ({ entry, hash: await hashToken(entry.token) })));
  return digests.flatMap(({ entry, hash }) => (crypto.subtle.timingSafeEqual(hash, presented) ? [entry] : []));
};

/** The token that a request shows, if any. */
export const presentedToken = (request: Request): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(request.headers.get("Authorization") ?? "")?.[1];

const requireToken = (request: Request): string => {
  const token = presentedToken(request);
  if (token === undefined) throw unauthorized("No token was sent. Send the header 'Authorization: Bearer <token>'.");
  return token;
};

/** A request with a token, and the tokens that are configured. */
type Shown = { readonly request: Request; readonly env: Env; readonly configuration: Configuration };

const authorizeAgent = async ({ request, env, configuration }: Shown, cluster: string | undefined): Promise<void> => {
  const clusters = await findMatching(requireToken(request), configuration.agentTokens);
  if (clusters.length === 0) {
    throw await countGuess(env, request, "link", unauthorized("The token is not one of AGENT_TOKENS."));
  }
  if (!clusters.some((entry) => entry.cluster === cluster)) {
    throw new ProblemError("wrong-token", "The token is for another cluster.");
  }
};

const authorizeRunner = async ({ request, env }: Shown, jobId: string | undefined): Promise<void> => {
  const claim = await verifyRunnerToken(env, requireToken(request));
  if (claim === null) throw await countGuess(env, request, "link", unauthorized("The token is not a runner's token."));
  if (claim.expires <= Date.now()) throw unauthorized("The token has expired.");
  if (claim.jobId !== jobId) throw new ProblemError("wrong-token", "The token is for another job.");
};

type User = Omit<ApiToken, "token">;

/** Who makes a request. */
export type Caller = Pick<User, "name" | "role">;

/** A caller who need not say who it is. */
const anyone: Caller = { name: "anyone", role: "viewer" };

/** The caller in development; and agents and runners, which their paths identify. */
const local: Caller = { name: "local", role: "admin" };

/** Tokens that the caller may mean, expired ones as well: of `API_TOKENS`, or else the one that the Registry knows. */
const findUserTokens = async (env: Env, token: string, known: readonly ApiToken[]): Promise<readonly User[]> => {
  const configured = await findMatching(token, known);
  if (configured.length > 0) return configured;
  const issued = await findIssuedToken(env, token);
  // A name has one role: that in API_TOKENS.
  if (issued === null || known.some(({ name }) => name === issued.name)) return [];
  const { name, role, expires } = issued;
  return [{ name, role, expires: expires === null ? Infinity : Date.parse(expires) }];
};

const authorizeUser = async ({ request, env, configuration }: Shown): Promise<Caller> => {
  const token = requireToken(request);
  refuseGuessing(request);
  const found = await findUserTokens(env, token, configuration.apiTokens);
  const valid = found.find(({ expires }) => expires > Date.now());
  if (valid !== undefined) {
    await countCall(env, valid.name);
    return valid;
  }
  if (found.length > 0) throw unauthorized("The token has expired.");
  throw await countGuess(env, request, "api", unauthorized("The token is not valid."));
};

/** @throws ProblemError 403 */
export const requireRole = ({ name, role }: Caller, needed: Role): void => {
  if (roles.indexOf(role) >= roles.indexOf(needed)) return;
  throw new ProblemError("role-missing", `The role '${needed}' is required. '${name}' has the role '${role}'.`);
};

/**
 * Authorizes a request. Agents and runners with the right token are not counted: after a deployment thousands of them reconnect
 * at once, and all can have one address.
 *
 * @param params the decoded parts of the path
 * @returns the caller
 * @throws ProblemError 401, 403 or 429
 */
export const authorize = async (
  audience: Audience,
  request: Request,
  params: Readonly<Record<string, string>>,
  env: Env,
  configuration: Configuration,
): Promise<Caller> => {
  if (configuration.open) requireLoopback(request, corsOriginsOf(env));
  const shown: Shown = { request, env, configuration };
  switch (audience) {
    case "anyone":
      return anyone;
    case "agent":
      await authorizeAgent(shown, params["cluster"]);
      return local;
    case "runner":
      await authorizeRunner(shown, params["id"]);
      return local;
    case "api":
      return configuration.open ? local : await authorizeUser(shown);
  }
};

import { roles, type AgentToken, type ApiToken, type Configuration, type Role } from "./configuration.ts";
import type { Env } from "./env.ts";
import { requireLoopback } from "./loopback.ts";
import { ProblemError } from "./problems.ts";
import { verifyRunnerToken } from "./tokens.ts";

/** Whom a resource is for: users of the API, a job's runners (`id` in the path), or a cluster's agent (`cluster`). */
export type Audience = "api" | "runner" | "agent";

const unauthorized = (detail: string): ProblemError =>
  new ProblemError("unauthorized", detail, { headers: { "WWW-Authenticate": "Bearer" } });

const digest = async (text: string): Promise<ArrayBuffer> =>
  await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));

/** Those of `known` that have the token. Looks at all of them, and at digests, so that time tells nothing. */
const matching = async <T extends { readonly token: string }>(token: string, known: readonly T[]): Promise<T[]> => {
  const presented = await digest(token);
  const digests = await Promise.all(known.map(async (entry) => ({ entry, hash: await digest(entry.token) })));
  return digests.flatMap(({ entry, hash }) => (crypto.subtle.timingSafeEqual(hash, presented) ? [entry] : []));
};

const bearer = (request: Request): string => {
  const token = /^Bearer +(\S+) *$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (token === undefined) throw unauthorized("Send the header 'Authorization: Bearer <token>'.");
  return token;
};

const authorizeAgent = async (
  token: string,
  known: readonly AgentToken[],
  cluster: string | undefined,
): Promise<void> => {
  const clusters = await matching(token, known);
  if (clusters.length === 0) throw unauthorized("The token is not one of AGENT_TOKENS.");
  if (!clusters.some((entry) => entry.cluster === cluster)) {
    throw new ProblemError("wrong-token", "The token is for another cluster.");
  }
};

const authorizeRunner = async (token: string, env: Env, jobId: string | undefined): Promise<void> => {
  const job = await verifyRunnerToken(env, token);
  if (job === null) throw unauthorized("The token is not a runner's.");
  if (job !== jobId) throw new ProblemError("wrong-token", "The token is for another job.");
};

/** Who makes a request. */
export type Caller = Pick<ApiToken, "name" | "role">;

/** Whoever is at this machine, in development; and agents and runners, who are known by what their paths name. */
const local: Caller = { name: "local", role: "admin" };

const authorizeUser = async (token: string, known: readonly ApiToken[]): Promise<Caller> => {
  const found = await matching(token, known);
  const valid = found.find(({ expires }) => expires > Date.now());
  if (valid !== undefined) return valid;
  throw unauthorized(found.length > 0 ? "The token has expired." : "The token is not one of API_TOKENS.");
};

/** @throws ProblemError 403 */
export const requireRole = ({ name, role }: Caller, needed: Role): void => {
  if (roles.indexOf(role) >= roles.indexOf(needed)) return;
  throw new ProblemError("role-missing", `This is for the role '${needed}', and '${name}' has the role '${role}'.`);
};

/**
 * Lets a request through, or not.
 *
 * @param params the decoded parts of the path
 * @returns who makes it
 * @throws ProblemError 401 or 403
 */
export const authorize = async (
  audience: Audience,
  request: Request,
  params: Readonly<Record<string, string>>,
  env: Env,
  configuration: Configuration,
): Promise<Caller> => {
  if (configuration.open) requireLoopback(request);
  switch (audience) {
    case "agent":
      await authorizeAgent(bearer(request), configuration.agentTokens, params["cluster"]);
      return local;
    case "runner":
      await authorizeRunner(bearer(request), env, params["id"]);
      return local;
    case "api":
      return configuration.open ? local : await authorizeUser(bearer(request), configuration.apiTokens);
  }
};

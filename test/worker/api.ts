import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { z } from "zod";
import { ProblemSchema, type Problem } from "../../shared/api/problems.ts";
import type { Env } from "../../worker/env.ts";
import worker from "../../worker/index.ts";
import { expectDocumented } from "./documented.ts";
import { signRunnerToken } from "../../worker/secrets/tokens.ts";

export const apiToken = "api-token-of-16-or-more";
export const agentToken = "agent-token-of-16-or-more";
export const secretKey = "a-secret-key-of-thirty-two-characters-or-more";

/** A Worker configured like a deployed one, except without rate limits. */
export const closedEnv: Env = {
  ...env,
  CALL_LIMIT: undefined,
  GUESS_LIMIT: undefined,
  OPEN_TO: undefined,
  API_TOKENS: `another-token-of-the-api, ${apiToken}`,
  AGENT_TOKENS: `default=${agentToken},other=${agentToken}-2`,
  SECRET_KEY: secretKey,
};

export const openEnv: Env = { ...closedEnv, API_TOKENS: undefined, OPEN_TO: "loopback" };

/** A token for a job's runners, valid for an hour. */
export const runnerToken = async (tokenEnv: Env, jobId: string): Promise<string> =>
  await signRunnerToken(tokenEnv, { jobId, expires: Date.now() + 3_600_000 });

/** Calls the Worker as `http://localhost:4750<path>`, open to loopback unless another environment is given. */
export const call = async (
  method: string,
  path: string,
  init: { headers?: Record<string, string>; body?: BodyInit; env?: Env; origin?: string; signal?: AbortSignal } = {},
): Promise<Response> => {
  const { env: useEnv = openEnv, origin = "http://localhost:4750", ...rest } = init;
  const request = new Request<unknown, IncomingRequestCfProperties>(origin + path, { method, ...rest });
  const ctx = createExecutionContext();
  const response = await worker.fetch(request, useEnv, ctx);
  await waitOnExecutionContext(ctx);
  await expectDocumented(request, response, useEnv);
  return response;
};

/** Parses and validates a JSON body. */
export const jsonOf = async <S extends z.ZodType>(schema: S, response: Response): Promise<z.output<S>> =>
  schema.parse(await response.json());

/** Returns the problem in a response. Fails if there is none. */
export const problemOf = async (response: Response): Promise<Problem> => {
  z.literal("application/problem+json").parse(response.headers.get("Content-Type"));
  const problem = await jsonOf(ProblemSchema, response);
  z.literal(problem.status).parse(response.status);
  return problem;
};

/** Uploads a program as browsers and curl do. */
export const upload = async (
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
  type?: string,
): Promise<Response> => {
  const form = new FormData();
  form.append("program", new Blob([content]), name);
  if (type !== undefined) form.append("type", type);
  return await call("PUT", "/api/v1/artifacts", { body: form });
};

/** SHA-256, computed independently of the code under test. */
export const sha256 = async (content: BufferSource): Promise<string> =>
  [...new Uint8Array(await crypto.subtle.digest("SHA-256", content))]
    .map((b) => b.toString(16).padStart(2, "0"))
    .join("");

export const postJob = async (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  await call("POST", "/api/v1/jobs", {
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

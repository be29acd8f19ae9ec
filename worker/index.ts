import { Router, type IRequestStrict } from "itty-router";
import { readConfiguration, secretsOf } from "./configuration.ts";
import { isForConsole, serveConsole } from "./console/serve-console.ts";
import { presentedToken } from "./http/auth.ts";
import { addCorsHeaders, preflightResponse } from "./http/cors.ts";
import type { Env } from "./env.ts";
import { readChunks } from "./http/chunks.ts";
import { renderProblem } from "./http/problems.ts";
import { refuseUnknownPath, serve } from "./http/resource.ts";
import { setSecurityHeaders } from "./http/responses.ts";
import { resources } from "./routes/resources.ts";

export { ClusterObject } from "./cluster/object.ts";
export { JobObject } from "./job/object.ts";
export { Registry } from "./registry/object.ts";

/** Texts of a request and of the configuration that must never be logged. */
const secretsIn = (request: Request, env: Env): string[] => {
  const token = presentedToken(request);
  return token === undefined ? secretsOf(env) : [...secretsOf(env), token];
};

const router = Router<IRequestStrict, [Env, ExecutionContext]>({
  catch: (error: unknown, request: Request, env: Env) => renderProblem(error, request, secretsIn(request, env)),
});
router.all("*", (request, env) => {
  // Closed to pages, too, as long as something is missing.
  readConfiguration(env);
  return preflightResponse(request, env);
});
for (const resource of resources) {
  router.all(resource.path, async (request, env, ctx) => await serve(resource, request, request.params, env, ctx));
}
router.all("*", async (request, env) => await refuseUnknownPath(request, env));

/**
 * Reads what is left of a body that was refused: clients do not listen before they have sent it, and `wrangler dev` ends
 * where a body is left half read.
 */
const drain = async ({ body }: Request): Promise<void> => {
  if (body === null || body.locked) return;
  try {
    for await (const _ of readChunks(body, Infinity));
  } catch (error) {
    console.debug("a refused body broke off", error);
  }
};

const finishResponse = (response: Response, request: Request, env: Env): Response => {
  // The answer to an upgrade belongs to its WebSocket.
  if (response.webSocket !== null) return response;
  const finished = new Response(response.body, response);
  setSecurityHeaders(finished.headers);
  addCorsHeaders(finished.headers, request, env);
  return finished;
};

export default {
  async fetch(request, env, ctx): Promise<Response> {
    if (env.ASSETS !== undefined && isForConsole(request)) return await serveConsole(request, env.ASSETS);
    const response: Response = await router.fetch(request, env, ctx);
    if (response.status >= 400) await drain(request);
    return finishResponse(response, request, env);
  },
} satisfies ExportedHandler<Env>;

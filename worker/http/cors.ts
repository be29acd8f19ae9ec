import { corsOriginsOf } from "../configuration.ts";
import type { Env } from "../env.ts";

/** How long a browser may cache the answer to a preflight, in seconds: two hours, the most that Chromium honours. */
const preflightAge = 7200;

/** What a page may send besides what every page may (Fetch standard, "CORS-safelisted request-header"). */
const requestHeaders = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Range";

/** What a page may read besides what every page may. */
const responseHeaders = "Allow, Content-Disposition, Content-Range, ETag, Link, Location, Retry-After";

/** The origin of the page that makes the request, where it is one of `CORS_ORIGINS`. */
const allowedOrigin = (request: Request, env: Env): string | undefined => {
  const origin = request.headers.get("Origin");
  return origin !== null && corsOriginsOf(env).includes(origin) ? origin : undefined;
};

/**
 * The answer to a preflight, which browsers send without a token. It is the same for every path, so that it does not reveal which
 * paths exist; undefined if the request is no preflight, or the page's origin is not allowed.
 */
export const preflightResponse = (request: Request, env: Env): Response | undefined => {
  const isPreflight = request.method === "OPTIONS" && request.headers.has("Access-Control-Request-Method");
  if (!isPreflight || allowedOrigin(request, env) === undefined) return undefined;
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE",
      "Access-Control-Allow-Headers": requestHeaders,
      "Access-Control-Max-Age": String(preflightAge),
    },
  });
};

/**
 * Lets the pages of `CORS_ORIGINS` read an answer. Browsers add no cookies or certificates of their own, since
 * `Access-Control-Allow-Credentials` is not sent: a page must have a token.
 */
export const addCorsHeaders = (headers: Headers, request: Request, env: Env): void => {
  if (corsOriginsOf(env).length === 0) return;
  headers.append("Vary", "Origin");
  const origin = allowedOrigin(request, env);
  if (origin === undefined) return;
  headers.set("Access-Control-Allow-Origin", origin);
  headers.set("Access-Control-Expose-Headers", responseHeaders);
};

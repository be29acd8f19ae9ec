import type { Env } from "../env.ts";

/** The console: the page for browsers, and the files that it consists of. They are static, and the same for everybody. */

/** Where its files are, besides the page itself. */
const folder = "/console/";

/** The page runs no code but its own, and talks to its own server only (OWASP, Content Security Policy Cheat Sheet). */
const pageHeaders = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
};

/** Browsers ask for pages so, and clients of the API for JSON or anything. */
const asksForPage = (request: Request): boolean => (request.headers.get("Accept") ?? "").includes("text/html");

/** Whether a request is for the console. */
export const isForConsole = (request: Request): boolean => {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  const { pathname } = new URL(request.url);
  return pathname.startsWith(folder) || (pathname === "/" && asksForPage(request));
};

/** Serves the console. Its files have names that tell their content, so that browsers keep them. */
export const serveConsole = async (request: Request, assets: NonNullable<Env["ASSETS"]>): Promise<Response> => {
  const found = await assets.fetch(request);
  const response = new Response(found.body, found);
  for (const [name, value] of Object.entries(pageHeaders)) response.headers.set(name, value);
  const isPage = !new URL(request.url).pathname.startsWith(folder);
  response.headers.set("Cache-Control", isPage ? "no-cache" : "public, max-age=31536000, immutable");
  // One address, two answers.
  if (isPage) response.headers.set("Vary", "Accept");
  return response;
};

import type { Env } from "../env.ts";

/** The console: the page for browsers, and the files that it consists of. They are static, and the same for everybody. */

/** Where its files are, besides the page itself. */
const folder = "/console/";

/** The page runs no code but its own, and talks to its own server only (OWASP, Content Security Policy Cheat Sheet). */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * For the worker in which the console tries a user's module. A worker has the policy of its own file, not the page's (HTML,
 * "initialize a worker global scope's policy container"). This one runs that module, which it has as a blob, and can neither send
 * a request nor import a file nor start a worker. Browsers must not keep the file, as they would keep its policy with it.
 */
const samplePolicy = "default-src 'none'; script-src blob:; worker-src 'none'; frame-ancestors 'none'";
const sampleFile = /^\/console\/sample-[^/]+\.js$/;

const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
};

const keptForever = "public, max-age=31536000, immutable";

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
  const { pathname } = new URL(request.url);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  const isSample = sampleFile.test(pathname);
  const isPage = !pathname.startsWith(folder);
  response.headers.set("Content-Security-Policy", isSample ? samplePolicy : pagePolicy);
  response.headers.set("Cache-Control", isSample ? "no-store" : isPage ? "no-cache" : keptForever);
  // One address, two answers.
  if (isPage) response.headers.set("Vary", "Accept");
  return response;
};

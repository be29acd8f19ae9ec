import { ProblemError } from "./problems.ts";

/** Whether a URL's host name is this machine's own. URLs write every spelling of 127.0.0.1 in the same way. */
const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);

const hostnameOf = (host: string): string => {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return "";
  }
};

/**
 * Refuses requests that a foreign web page makes a browser on this machine send: under a host name of its own that resolves to
 * this machine (DNS rebinding), or from its own origin. For the development mode, which needs no token.
 *
 * @param origins origins whose pages may call all the same
 * @throws ProblemError
 */
export const requireLoopback = (request: Request, origins: readonly string[]): void => {
  const url = new URL(request.url);
  const host = request.headers.get("Host");
  if (!isLoopback(url.hostname) || (host !== null && !isLoopback(hostnameOf(host)))) {
    throw new ProblemError("not-loopback", "This Worker serves its own machine only. Call it at http://localhost.");
  }
  const origin = request.headers.get("Origin");
  if (origin !== null && origins.includes(origin)) return;
  const site = request.headers.get("Sec-Fetch-Site");
  if ((origin !== null && origin !== url.origin) || (site !== null && site !== "same-origin" && site !== "none")) {
    throw new ProblemError(
      "foreign-page",
      "The request comes from a page of another origin. List that origin in CORS_ORIGINS to allow it.",
    );
  }
};

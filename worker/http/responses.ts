/** A JSON response. @param body JSON already, as text or as a stream */
export const jsonResponse = (
  body: string | ReadableStream<Uint8Array>,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response => new Response(body, { status, headers: { ...headers, "Content-Type": "application/json" } });

/** Tells browsers that no answer is a page, and none may be kept (OWASP, HTTP Headers Cheat Sheet). */
const securityHeaders = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
};

/** Sets the headers that every answer has. */
export const setSecurityHeaders = (headers: Headers): void => {
  for (const [name, value] of Object.entries(securityHeaders)) headers.set(name, value);
};

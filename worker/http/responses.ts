/** Every answer of ours is for the caller alone, and is what its type says. */
export const ownHeaders = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };

/** A JSON response. `body` is a value, or text or a stream that is JSON already. */
export const jsonResponse = (
  body: string | ReadableStream<Uint8Array>,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(body, { status, headers: { ...ownHeaders, ...headers, "Content-Type": "application/json" } });

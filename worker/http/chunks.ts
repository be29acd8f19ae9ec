import { ProblemError } from "./problems.ts";

/** Bytes that are asked for at once. A body arrives in pieces of 4 KiB otherwise, each at the price of a turn. */
const readSize = 256 * 1024;

const tooLarge = (maxBytes: number): ProblemError =>
  new ProblemError("body-too-large", `The body must have at most ${maxBytes} bytes.`);

/** Refuses a body that says beforehand that it is too large. @throws ProblemError 413 */
export const requireLength = (request: Request, maxBytes: number): void => {
  if (Number(request.headers.get("Content-Length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
};

/**
 * A body in large pieces. Two buffers take turns: a piece may still be looked at while the next one is, as the parser keeps
 * the end of a piece until it is given more, but not longer.
 *
 * @throws ProblemError 400 where the body ends early, 413 where it is too large
 */
export async function* readChunks(body: ReadableStream<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  const reader = body.getReader({ mode: "byob" });
  let current = new Uint8Array(readSize);
  let other = new Uint8Array(readSize);
  let size = 0;
  try {
    for (;;) {
      const { value, done } = await reader.readAtLeast(readSize, current).catch(() => {
        throw new ProblemError("malformed-body", "The body ended early.");
      });
      size += value?.length ?? 0;
      if (size > maxBytes) throw tooLarge(maxBytes);
      if (value !== undefined && value.length > 0) yield value;
      if (value === undefined || done) return;
      // The buffer that was passed in is empty now; its bytes came back as the value's.
      [current, other] = [other, new Uint8Array(value.buffer)];
    }
  } finally {
    reader.releaseLock();
  }
}

/** A body of at most `maxBytes`, whole. @throws ProblemError as `readChunks` does */
export const readBytes = async (body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> => {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  // Copies: the pieces are lent.
  for await (const chunk of readChunks(body, maxBytes)) parts.push(new Uint8Array(chunk));
  return await new Blob(parts).bytes();
};

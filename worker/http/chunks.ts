import { ProblemError } from "./problems.ts";

/** Bytes that are asked for at once. A body arrives in pieces of 4 KiB otherwise, each at the price of a turn. */
const readSize = 256 * 1024;

/**
 * A body in large pieces. Two buffers take turns: a piece may still be looked at while the next one is, as the parser keeps
 * the end of a piece until it is given more, but not longer.
 */
export async function* readChunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader({ mode: "byob" });
  let current = new Uint8Array(readSize);
  let other = new Uint8Array(readSize);
  try {
    for (;;) {
      const { value, done } = await reader.readAtLeast(readSize, current).catch(() => {
        throw new ProblemError("malformed-body", "The body ended early.");
      });
      if (value !== undefined && value.length > 0) yield value;
      if (value === undefined || done) return;
      // The buffer that was passed in is empty now; its bytes came back as the value's.
      [current, other] = [other, new Uint8Array(value.buffer)];
    }
  } finally {
    reader.releaseLock();
  }
}

import { connectionError } from "./error.ts";
import type { RequestOptions } from "./requests.ts";

/** The next piece of a body, if it comes within so many milliseconds. */
const readWithin = async <Piece>(read: Promise<Piece>, ms: number): Promise<Piece> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing has come for ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([read, silence]);
  } finally {
    clearTimeout(timer);
  }
};

type TextOptions = RequestOptions & {
  /** Milliseconds without a piece after which the connection counts as lost. @default none */
  readonly silenceMs?: number;
};

/**
 * Reads a body of UTF-8 text piece by piece. Bytes that are not UTF-8 become U+FFFD.
 * @param body nothing if the answer is empty
 * @throws EdgefoldError if the connection is lost, or the signal's reason
 */
export const readText = async function* (
  body: ReadableStream<Uint8Array> | null | undefined,
  { signal, silenceMs }: TextOptions,
): AsyncGenerator<string> {
  if (body == null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  // Not left to the request's own signal: Node's fetch forgets it when the request is garbage, though its body is still read.
  const abort = (): void => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener("abort", abort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const read = reader.read();
      const { done, value } = await (silenceMs === undefined ? read : readWithin(read, silenceMs));
      signal?.throwIfAborted();
      const text = decoder.decode(value, { stream: !done });
      if (text !== "") yield text;
      if (done) return;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionError(error);
  } finally {
    signal?.removeEventListener("abort", abort);
    // Closes the connection if the reader left before the end.
    void reader.cancel().catch(() => undefined);
  }
};

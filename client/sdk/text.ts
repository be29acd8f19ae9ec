import { connectionError } from "./error.ts";
import type { RequestOptions } from "./requests.ts";

/** Waits for the next chunk of a body. @throws Error if it does not arrive within `ms` milliseconds */
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
  /** The connection counts as lost after this many milliseconds without data. @default no limit */
  readonly silenceMs?: number;
};

/**
 * Reads a UTF-8 body chunk by chunk. Bytes that are not valid UTF-8 become U+FFFD.
 * @param body null or undefined if the response is empty
 * @throws EdgefoldError if the connection is lost, or the signal's reason if it is aborted
 */
export const readText = async function* (
  body: ReadableStream<Uint8Array> | null | undefined,
  { signal, silenceMs }: TextOptions,
): AsyncGenerator<string> {
  if (body == null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  // The request's own signal is not enough: Node's fetch drops it once the request is garbage-collected, even mid-body.
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
    // Closes the connection if the caller stops reading before the end.
    void reader.cancel().catch(() => undefined);
  }
};

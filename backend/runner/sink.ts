import { abortable } from "../abort.ts";

/**
 * The destination of an output. `bytes` belong to the sink until `write` returns undefined ("continue at once") or its promise
 * resolves. After that they are overwritten, so the sink must have copied or consumed them. One write at a time.
 */
export type Sink = { write(bytes: Buffer): Promise<void> | undefined };

/** Writes to a sink, but stops waiting for it on abort. @throws the signal's reason, or what the sink throws */
export function writeTo(sink: Sink, bytes: Buffer, signal: AbortSignal): Promise<void> | undefined {
  const written = sink.write(bytes);
  return written === undefined ? undefined : abortable(written, signal);
}

import { abortable } from "../abort.ts";

/**
 * Where an output goes. `bytes` belong to the sink until `write` returns undefined ("go on at once") or its promise
 * resolves, and are overwritten after that: the sink must have copied or consumed them by then. One write at a time.
 */
export type Sink = { write(bytes: Buffer): Promise<void> | undefined };

/** Writes to a sink that may be slower than an abort. @throws the signal's reason, or what the sink throws */
export function writeTo(sink: Sink, bytes: Buffer, signal: AbortSignal): Promise<void> | undefined {
  const written = sink.write(bytes);
  return written === undefined ? undefined : abortable(written, signal);
}

import { readSync } from "node:fs";
import type { Socket } from "node:net";

/** A pipe that a program writes to: the stream that reads it, and the descriptor behind it, which does not block. */
export type ReadPipe = { readonly stream: Socket; readonly descriptor: number };

/**
 * Reads a pipe to its end, which comes when no process has it open for writing any more.
 * @param take gets each chunk; nothing more is read while its promise is pending
 * @throws what `take` throws, or an error of reading, such as that the stream was destroyed before the end
 */
export async function readToEnd(
  { stream }: ReadPipe,
  take: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  const chunks: AsyncIterable<Buffer> = stream;
  for await (const chunk of chunks) await take(chunk);
}

/** Most bytes that a pipe holds: `/proc/sys/fs/pipe-max-size` by default. */
const pipeCapacity = 1024 * 1024;

/**
 * Reads what lies in a pipe now, from a stream that flows. Whatever was written before is within the pipe's capacity, so a
 * process that goes on writing does not hold this up.
 * @param take gets chunks that are valid during the call
 */
export function drainPipe({ stream, descriptor }: ReadPipe, take: (chunk: Buffer) => void): void {
  const buffer = Buffer.allocUnsafeSlow(64 * 1024);
  let drained = 0;
  while (drained < pipeCapacity && !stream.destroyed) {
    const length = readNow(descriptor, buffer);
    if (length === 0) return;
    take(buffer.subarray(0, length));
    drained += length;
  }
}

/** @returns 0 where the pipe is empty or at its end */
function readNow(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer);
  } catch {
    return 0; // EAGAIN
  }
}

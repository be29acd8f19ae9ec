import { readSync } from "node:fs";
import type { Socket } from "node:net";

/** A pipe that a program writes to: the stream that reads it, and the non-blocking descriptor behind it. */
export type ReadPipe = { readonly stream: Socket; readonly descriptor: number };

/**
 * Reads a pipe to its end, which is reached when no process has it open for writing any more.
 * @param take receives each chunk; nothing more is read while its promise is pending
 * @throws what `take` throws, or a read error, for example if the stream was destroyed before the end
 */
export async function readToEnd(
  { stream }: ReadPipe,
  take: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  const chunks: AsyncIterable<Buffer> = stream;
  for await (const chunk of chunks) await take(chunk);
}

/** Maximum bytes that a pipe holds: the default of `/proc/sys/fs/pipe-max-size`. */
const pipeCapacity = 1024 * 1024;

/**
 * Reads what is in a pipe now; its stream must be flowing. Everything written earlier is within the pipe's capacity, so a process
 * that keeps writing does not hold this up.
 * @param take receives chunks that are valid during the call
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

/** @returns 0 if the pipe is empty or at its end */
function readNow(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer);
  } catch {
    return 0; // EAGAIN
  }
}

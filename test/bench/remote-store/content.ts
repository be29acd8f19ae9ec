import { open } from "node:fs/promises";

/** The bytes of an object. */
export type Content = {
  readonly size: number;
  /** The bytes `[start, end)`. A chunk is valid until the next one is read. */
  read(start: number, end: number): AsyncIterable<Buffer>;
};

/** The largest chunk, in bytes. */
const chunkSize = 256 * 1024;

export const inMemory = (pieces: readonly Buffer[]): Content => ({
  size: pieces.reduce((sum, { length }) => sum + length, 0),
  read: async function* (start, end) {
    let offset = 0;
    for (const piece of pieces) {
      const last = Math.min(piece.length, end - offset);
      for (let at = Math.max(0, start - offset); at < last; at += chunkSize) {
        yield piece.subarray(at, Math.min(last, at + chunkSize));
      }
      offset += piece.length;
    }
  },
});

export const inFile = (path: string, size: number): Content => ({
  size,
  read: async function* (start, end) {
    const file = await open(path);
    try {
      // Allocating memory for each chunk would take longer than reading it.
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, end - start));
      for (let at = start; at < end;) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at);
        if (bytesRead === 0) throw new Error(`${path} has become shorter`);
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  },
});

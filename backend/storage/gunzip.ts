import { createGunzip } from "node:zlib";

// with Node's default of 16 KiB, switching costs more than decompressing
const chunkSize = 128 * 1024;

/** The chunks of a stream, with push-back. */
class Chunks {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** @returns undefined at the end */
  async next(): Promise<Uint8Array | undefined> {
    const rest = this.#rest;
    this.#rest = new Uint8Array();
    if (rest.length > 0) return rest;
    const { done, value } = await this.#chunks.next();
    return done === true ? undefined : value;
  }

  putBack(rest: Uint8Array): void {
    this.#rest = rest;
  }

  /** Skips zeros. @returns whether anything follows them */
  async skipZeros(): Promise<boolean> {
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) {
      const at = chunk.findIndex((byte) => byte !== 0);
      if (at === -1) continue;
      this.putBack(chunk.subarray(at));
      return true;
    }
    return false;
  }
}

/**
 * Decompresses concatenated gzip members, even with zeros between or after them.
 * @throws zlib's errors, whose codes begin with `Z_`, if the data is damaged or truncated, or if other bytes follow it
 */
export const gunzip = async function* (stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const input = new Chunks(stream);
  do yield* members(input);
  while (await input.skipZeros());
};

/** Decompresses members up to the end or to the first zeros, where Node's decompressor stops. */
const members = async function* (input: Chunks): AsyncGenerator<Uint8Array, void, void> {
  const transform = createGunzip({ chunkSize });
  const fed = feed(transform, input);
  // If feeding fails, the transform's own error ends the loop.
  fed.catch(() => undefined);
  try {
    yield* transform;
    await fed;
  } finally {
    transform.destroy();
  }
};

/** Writes to a decompressor until it ends, and puts back the bytes that it did not consume. */
const feed = async (transform: ReturnType<typeof createGunzip>, input: Chunks): Promise<void> => {
  let written = 0;
  try {
    while (!transform.readableEnded && !transform.destroyed) {
      const chunk = await input.next();
      if (chunk === undefined) {
        transform.end();
        return;
      }
      await new Promise<void>((resolve, reject) => {
        transform.write(chunk, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
      written += chunk.length;
      const left = written - transform.bytesWritten;
      if (left === 0) continue;
      input.putBack(chunk.subarray(chunk.length - left));
      return;
    }
  } catch (error) {
    transform.destroy(error instanceof Error ? error : new Error(String(error)));
  }
};

import { createGunzip } from "node:zlib";

// Node's 16 KiB cost more in switching than in decompressing
const chunkSize = 128 * 1024;

/** The chunks of a stream, of which a part can be put back. */
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

  /** Passes zeros by. @returns whether anything follows them */
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
 * Decompresses gzip, one member after another, also where zeros lie between or after them.
 * @throws zlib's errors, with codes that begin with `Z_`, for data that is damaged or cut off, or has other bytes after it
 */
export const gunzip = async function* (stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const input = new Chunks(stream);
  do yield* members(input);
  while (await input.skipZeros());
};

/** Decompresses members up to the end or to zeros, at which Node's decompressor ends and takes no more. */
const members = async function* (input: Chunks): AsyncGenerator<Uint8Array, void, void> {
  const transform = createGunzip({ chunkSize });
  const fed = feed(transform, input);
  // One that fails ends the loop by the transform's own error.
  fed.catch(() => undefined);
  try {
    yield* transform;
    await fed;
  } finally {
    transform.destroy();
  }
};

/** Writes to a decompressor until it ends, and puts back what it does not take. */
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

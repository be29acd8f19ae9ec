import { setImmediate } from "node:timers/promises";
import { BitReader, Bzip2Error } from "./bzip2-bits.ts";
import { Bzip2Block } from "./bzip2-block.ts";

const chunkSize = 128 * 1024;

/** The minimum number of compressed bytes to collect before decoding a block. */
const leastWindow = 64 * 1024;

/** No block is longer than this many bytes: 900,050 symbols of at most 20 bits, and their codes. */
const longestBlock = 4 * 1024 * 1024;

const blockMagic = [0x314159, 0x265359];
const endMagic = [0x177245, 0x385090];

/** The compressed bytes from the next bit on. */
class Window {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes: Uint8Array = new Uint8Array();
  /** The number of bits of the first byte that have been read. */
  #skip = 0;
  #wanted = leastWindow;
  #isWhole = false;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Whether nothing is left. */
  async isEmpty(): Promise<boolean> {
    await this.#fill(1);
    return this.#bytes.length === 0;
  }

  /** Skips the rest of a partly read byte. */
  align(): void {
    if (this.#skip === 0) return;
    this.#bytes = this.#bytes.subarray(1);
    this.#skip = 0;
  }

  /** Runs `read` on the available bytes, and again with more if those were too few. @throws Bzip2Error if there are no more */
  async read<T>(read: (reader: BitReader) => T): Promise<T> {
    for (;;) {
      await this.#fill(this.#wanted);
      const reader = new BitReader(this.#bytes, this.#skip);
      const result = attempt(() => read(reader));
      if (!reader.isOverrun) {
        if (result instanceof Bzip2Error) throw result;
        const { position } = reader;
        this.#bytes = this.#bytes.subarray(position >>> 3);
        this.#skip = position & 7;
        // The next block is usually about as long. Collecting a little more costs less than reading a block twice.
        this.#wanted = Math.max(leastWindow, (position >>> 3) * 1.25);
        return result;
      }
      if (this.#isWhole) throw new Bzip2Error("unexpected end of file");
      if (this.#wanted > longestBlock) throw new Bzip2Error("a block is longer than any can be");
      this.#wanted *= 2;
    }
  }

  async #fill(length: number): Promise<void> {
    const chunks = [this.#bytes];
    let have = this.#bytes.length;
    while (have < length && !this.#isWhole) {
      const { done, value } = await this.#chunks.next();
      if (done === true) this.#isWhole = true;
      else {
        chunks.push(value);
        have += value.length;
      }
    }
    if (chunks.length > 1) this.#bytes = Buffer.concat(chunks);
  }
}

const attempt = <T>(work: () => T): T | Bzip2Error => {
  try {
    return work();
  } catch (error) {
    if (error instanceof Bzip2Error) return error;
    throw error;
  }
};

/**
 * Decompresses concatenated bzip2 streams. Memory holds one block, at most 3.6 MB, and its compressed bytes.
 * @throws Bzip2Error if the data is damaged or truncated, or if other bytes follow it
 */
export const bunzip2 = async function* (stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  const window = new Window(stream);
  do {
    const level = await window.read(readLevel);
    const block = new Bzip2Block(level * 100_000);
    let combined = 0;
    while (await window.read((reader) => readBlock(reader, block, combined))) {
      combined = ((combined << 1) | (combined >>> 31)) ^ block.declared;
      for (let length = chunkSize; length === chunkSize;) {
        const chunk = Buffer.allocUnsafeSlow(chunkSize);
        length = block.write(chunk);
        if (length > 0) yield chunk.subarray(0, length);
      }
      block.check();
      // Decoding a block takes tens of milliseconds, and the bytes of the next one may already have arrived.
      await setImmediate();
    }
    window.align();
  } while (!(await window.isEmpty()));
};

/** Reads the header of a stream. @returns the size of its blocks, in units of 100,000 bytes */
const readLevel = (reader: BitReader): number => {
  const isBzip2 = reader.read(24) === 0x425a68;
  const level = reader.read(8) - 0x30;
  if (isBzip2 && level >= 1 && level <= 9) return level;
  throw new Bzip2Error("a bzip2 stream does not begin so");
};

/** Reads the next block, if any. @param combined the checksum of the preceding blocks @returns whether there was one */
const readBlock = (reader: BitReader, block: Bzip2Block, combined: number): boolean => {
  const magic = [reader.read(24), reader.read(24)];
  if (magic.every((part, index) => part === endMagic[index])) {
    if (reader.readWord() !== combined >>> 0) throw new Bzip2Error("the stream's checksum does not match");
    return false;
  }
  if (magic.some((part, index) => part !== blockMagic[index])) throw new Bzip2Error("a block does not begin so");
  block.read(reader);
  return true;
};

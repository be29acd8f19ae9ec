import { Bzip2Error, type BitReader } from "./bzip2-bits.ts";
import { readCodes, readSelectors } from "./bzip2-codes.ts";

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc;
});

/** Decodes blocks one after another, reusing the same memory. */
export class Bzip2Block {
  /** The checksum that the block declares. */
  declared = 0;
  /** The checksum of the bytes written so far. */
  #crc = -1;
  /** For each byte of the sorted block: the byte and, from bit 8 on, the position of its successor in the text. */
  readonly #links: Uint32Array;
  /** The number of bytes not yet taken from the block, the link to the next one, and the run being repeated. */
  #left = 0;
  #link = 0;
  #last = -1;
  #run = 0;
  #repeats = 0;

  /** @param size the maximum number of bytes in a block */
  constructor(size: number) {
    this.#links = new Uint32Array(size);
  }

  /** Reads a block, starting after its first six bytes. @throws Bzip2Error if it is damaged */
  read(reader: BitReader): void {
    this.declared = reader.readWord();
    if (reader.read(1) === 1) throw new Bzip2Error("it is of a version before 0.9.5");
    const origin = reader.read(24);
    const counts = new Uint32Array(256);
    const length = this.#readSorted(reader, counts);
    if (origin >= length) throw new Bzip2Error("its text begins outside the block");
    let place = 0;
    for (let byte = 0; byte < 256; byte++) {
      const count = counts[byte] ?? 0;
      counts[byte] = place;
      place += count;
    }
    const links = this.#links;
    for (let at = 0; at < length; at++) {
      const byte = (links[at] ?? 0) & 0xff;
      const next = counts[byte] ?? 0;
      counts[byte] = next + 1;
      links[next] = (links[next] ?? 0) | (at << 8);
    }
    this.#left = length;
    this.#link = (links[origin] ?? 0) >>> 8;
    this.#crc = this.#last = -1;
    this.#run = this.#repeats = 0;
  }

  /** Reads the sorted bytes into the links and counts each byte value. @returns how many bytes it read */
  #readSorted(reader: BitReader, counts: Uint32Array): number {
    const recent = readAlphabet(reader);
    const end = recent.length + 1;
    const codeCount = reader.read(3);
    if (codeCount < 2 || codeCount > 6) throw new Bzip2Error(`it has ${codeCount} codes`);
    const selectors = readSelectors(reader, codeCount);
    const codes = readCodes(reader, codeCount, end + 1);
    const links = this.#links;
    const symbols = new Uint16Array(64);
    let length = 0;
    let run = 0;
    let weight = 1;
    for (const selector of selectors) {
      const count = codes[selector]?.readGroup(reader, symbols, end) ?? 0;
      for (let at = 0; at < count; at++) {
        const symbol = symbols[at] ?? 0;
        if (symbol < 2) {
          // The length of a run is written in base two with the digits 1 and 2, the lowest first.
          run += weight * (symbol + 1);
          weight *= 2;
          if (run > links.length) throw new Bzip2Error("a block is longer than declared");
          continue;
        }
        if (length + run + 1 > links.length + Number(symbol === end)) {
          throw new Bzip2Error("a block is longer than declared");
        }
        if (run > 0) {
          const byte = recent[0] ?? 0;
          links.fill(byte, length, length + run);
          counts[byte] = (counts[byte] ?? 0) + run;
          length += run;
          run = 0;
          weight = 1;
        }
        if (symbol === end) return length;
        const place = symbol - 1;
        const byte = recent[place] ?? 0;
        if (place > 16) recent.copyWithin(1, 0, place);
        else for (let to = place; to > 0; to--) recent[to] = recent[to - 1] ?? 0;
        recent[0] = byte;
        links[length++] = byte;
        counts[byte] = (counts[byte] ?? 0) + 1;
      }
    }
    throw new Bzip2Error("a block has no end");
  }

  /** Writes the next bytes of the text. @returns how many; only at the end of the block fewer than fit into `output` */
  write(output: Uint8Array): number {
    const links = this.#links;
    let [left, link, last, run, repeats, crc] = [
      this.#left,
      this.#link,
      this.#last,
      this.#run,
      this.#repeats,
      this.#crc,
    ];
    let at = 0;
    while (at < output.length) {
      if (repeats > 0) repeats -= 1;
      else {
        if (left-- === 0) break;
        const entry = links[link] ?? 0;
        link = entry >>> 8;
        const byte = entry & 0xff;
        if (run === 4) {
          // After four equal bytes, the next byte says how many more of them follow.
          repeats = byte;
          run = 0;
          continue;
        }
        run = byte === last ? run + 1 : 1;
        last = byte;
      }
      output[at++] = last;
      crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ last] ?? 0);
    }
    this.#left = Math.max(0, left);
    this.#link = link;
    this.#last = last;
    this.#run = run;
    this.#repeats = repeats;
    this.#crc = crc;
    return at;
  }

  /** @throws Bzip2Error if the written bytes do not match the checksum that the block declares */
  check(): void {
    if (~this.#crc >>> 0 !== this.declared) throw new Bzip2Error("a block's checksum does not match");
  }
}

/** The byte values that occur in a block, in ascending order. */
const readAlphabet = (reader: BitReader): Uint8Array => {
  const ranges = reader.read(16);
  const bytes: number[] = [];
  for (let range = 0; range < 16; range++) {
    const members = ((ranges >> (15 - range)) & 1) === 1 ? reader.read(16) : 0;
    for (let member = 0; member < 16; member++) {
      if (((members >> (15 - member)) & 1) === 1) bytes.push(range * 16 + member);
    }
  }
  if (bytes.length === 0) throw new Bzip2Error("a block has no bytes");
  return Uint8Array.from(bytes);
};

import { Bzip2Error, type BitReader } from "./bzip2-bits.ts";

const longestCode = 20;

/** Codes of up to this many bits are looked up in a table. Longer ones are searched for. */
const lookedUp = 10;

/** The number of symbols that use one code before the next selector chooses another. */
const groupLength = 50;

/** A canonical Huffman code. */
export class HuffmanCode {
  /** For each value of the next `lookedUp` bits: the symbol times 32 plus the length of its code; 0 for a longer code. */
  readonly #table = new Uint16Array(1 << lookedUp);
  /** For each length: the highest code, and what to subtract from a code to get its index in `#symbols`. */
  readonly #highest = new Int32Array(longestCode + 1).fill(-1);
  readonly #offsets = new Int32Array(longestCode + 1);
  readonly #symbols: Uint16Array;

  /** @param lengths of the symbols' codes, in bits */
  constructor(lengths: Uint8Array) {
    this.#symbols = new Uint16Array(lengths.length);
    let code = 0;
    let place = 0;
    for (let length = 1; length <= longestCode; length++) {
      this.#offsets[length] = code - place;
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== length) continue;
        const shift = lookedUp - length;
        if (shift >= 0) this.#table.fill(symbol * 32 + length, code << shift, (code + 1) << shift);
        this.#symbols[place++] = symbol;
        this.#highest[length] = code++;
      }
      code <<= 1;
    }
  }

  /** Reads up to `groupLength` symbols into `symbols`, stopping after `end`. @returns how many */
  readGroup(reader: BitReader, symbols: Uint16Array, end: number): number {
    const { bytes } = reader;
    let { at, bits, count } = reader;
    let read = 0;
    for (let symbol = -1; read < groupLength && symbol !== end; symbols[read++] = symbol) {
      while (count <= 24) {
        bits = (bits << 8) | (bytes[at++] ?? 0);
        count += 8;
      }
      const entry = this.#table[(bits >>> (count - lookedUp)) & ((1 << lookedUp) - 1)] ?? 0;
      let length = entry & 31;
      symbol = entry >>> 5;
      if (entry === 0) {
        length = lookedUp + 1;
        while (length <= longestCode && codeOf(bits, count, length) > (this.#highest[length] ?? -1)) length += 1;
        symbol = this.#symbols[codeOf(bits, count, length) - (this.#offsets[length] ?? 0)] ?? -1;
      }
      if (symbol === -1 || length > longestCode) {
        reader.at = at;
        throw new Bzip2Error("it holds a code that stands for nothing");
      }
      count -= length;
    }
    reader.at = at;
    reader.bits = bits;
    reader.count = count;
    return read;
  }
}

const codeOf = (bits: number, count: number, length: number): number =>
  (bits >>> (count - length)) & ((1 << length) - 1);

/** Reads the `count` codes of a block, each with a length for every one of `symbols` symbols. */
export const readCodes = (reader: BitReader, count: number, symbols: number): readonly HuffmanCode[] =>
  Array.from({ length: count }, () => {
    const lengths = new Uint8Array(symbols);
    let length = reader.read(5);
    for (let symbol = 0; symbol < symbols; symbol++) {
      for (; reader.read(1) === 1; length += reader.read(1) === 1 ? -1 : 1) checkLength(length);
      checkLength(length);
      lengths[symbol] = length;
    }
    return new HuffmanCode(lengths);
  });

const checkLength = (length: number): void => {
  if (length < 1 || length > longestCode) throw new Bzip2Error("it holds a code of a length that none can have");
};

/** Reads which code each group of symbols uses. */
export const readSelectors = (reader: BitReader, codes: number): Uint8Array => {
  const selectors = new Uint8Array(reader.read(15));
  const recent = Array.from({ length: codes }, (_, code) => code);
  for (let group = 0; group < selectors.length; group++) {
    let place = 0;
    while (reader.read(1) === 1) if (++place >= codes) throw new Bzip2Error("it chooses a code that is not there");
    recent.unshift(...recent.splice(place, 1));
    selectors[group] = recent[0] ?? 0;
  }
  return selectors;
};

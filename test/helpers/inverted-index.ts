import { hashKey, partitionOf } from "./partition.ts";

/** An input for the programs of `Stage`, and the expected results. */
export type Index = {
  readonly input: Buffer;
  readonly splitSize: number;
  readonly lines: number;
  /** The number of words in all lines. */
  readonly words: number;
  readonly distinct: number;
  /** The outputs, by partition. */
  readonly parts: readonly string[];
};

/** Pseudo-random numbers; the same in every run. */
const numbers = function* (seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
};

/** Lines of one to nine words out of 500, to be cut into `maps` splits, and their index in `nReducers` parts. */
export const makeIndex = (seed: number, maps: number, nReducers: number): Index => {
  const random = numbers(seed);
  const numbersOf = new Map<string, number[]>();
  const lines: string[] = [];
  let words = 0;
  for (let number = 0; number < 600; number++) {
    const line = Array.from(
      { length: 1 + (random.next().value % 9) },
      () => `w${(random.next().value % 500).toString(36)}`,
    );
    lines.push(`${number} ${line.join(" ")}\n`);
    words += line.length;
    for (const word of line) numbersOf.set(word, [...(numbersOf.get(word) ?? []), number]);
  }
  const parts = Array.from({ length: nReducers }, () => "");
  for (const [word, found] of [...numbersOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    parts[partitionOf(hashKey(Buffer.from(word), 0, word.length), nReducers)] += `${word}\t${found.join(",")}\n`;
  }
  const input = Buffer.from(lines.join(""));
  return {
    input,
    splitSize: Math.ceil(input.length / maps),
    lines: lines.length,
    words,
    distinct: numbersOf.size,
    parts,
  };
};

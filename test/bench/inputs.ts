import { createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";

/** Deterministic inputs: the same bytes on every machine, made once and kept. */

/** The generator mulberry32 by Tommy Ettinger (public domain). @returns numbers in [0, 1) */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const letters = "abcdefghijklmnopqrstuvwxyz";
const keyLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

const word = (random: () => number, from: string, length: number): string => {
  let text = "";
  for (let index = 0; index < length; index++) text += from[Math.floor(random() * from.length)] ?? "";
  return text;
};

/** Words of a Zipf distribution (exponent 1) over 200,000 different ones, twelve a line. */
export function* words(): Generator<string, never, void> {
  const random = randomFrom(1);
  const vocabulary = Array.from({ length: 200_000 }, () => word(random, letters, 3 + Math.floor(random() * 8)));
  const span = Math.log(vocabulary.length);
  for (;;) {
    let lines = "";
    for (let index = 1; index <= 6000; index++) {
      // The rank of a Zipf distribution is about the exponential of an even one.
      lines += vocabulary[Math.floor(Math.exp(random() * span)) - 1] ?? "";
      lines += index % 12 === 0 ? "\n" : " ";
    }
    yield lines;
  }
}

/** Lines of 100 bytes with a unique key of 10: key, tab, filling. */
export function* records(): Generator<string, never, void> {
  const random = randomFrom(2);
  for (;;) {
    let lines = "";
    for (let index = 0; index < 1000; index++) {
      lines += `${word(random, keyLetters, 10)}\t${word(random, letters, 8).repeat(11)}\n`;
    }
    yield lines;
  }
}

/** The file of an input of at least `bytes` bytes, made where it is not there yet. */
export const inputFile = async (
  folder: string,
  name: string,
  chunks: Generator<string, never, void>,
  bytes: number,
): Promise<string> => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}-${bytes}.txt`);
  if (existsSync(path)) return path;
  const file = createWriteStream(`${path}.new`);
  for (let written = 0; written < bytes;) {
    const chunk = chunks.next().value;
    written += chunk.length;
    if (!file.write(chunk)) await once(file, "drain");
  }
  file.end();
  await once(file, "close");
  renameSync(`${path}.new`, path);
  return path;
};

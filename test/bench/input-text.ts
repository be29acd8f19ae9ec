/** Endless deterministic text in chunks of whole lines: the same bytes on every machine. */
export type Text = () => Generator<string, never, void>;

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

const randomWord = (random: () => number, from: string, length: number): string => {
  let text = "";
  for (let index = 0; index < length; index++) text += from[Math.floor(random() * from.length)] ?? "";
  return text;
};

/** Words with a Zipf distribution (exponent 1) over 200,000 distinct ones. */
const zipfWords = (random: () => number): (() => string) => {
  const vocabulary = Array.from({ length: 200_000 }, () => randomWord(random, letters, 3 + Math.floor(random() * 8)));
  const span = Math.log(vocabulary.length);
  // The rank in a Zipf distribution is about the exponential of a uniform variable.
  return () => vocabulary[Math.floor(Math.exp(random() * span)) - 1] ?? "";
};

/** Chunks of `lines` lines, each made by `line`, including its newline. */
function* chunksOf(lines: number, line: () => string): Generator<string, never, void> {
  for (;;) {
    let chunk = "";
    for (let index = 0; index < lines; index++) chunk += line();
    yield chunk;
  }
}

const lineOf = (words: number, word: () => string): string => {
  let line = word();
  for (let index = 1; index < words; index++) line += ` ${word()}`;
  return `${line}\n`;
};

/** Lines of twelve Zipf words. @param lines per chunk */
export const words =
  (lines = 500): Text =>
  () => {
    const word = zipfWords(randomFrom(1));
    return chunksOf(lines, () => lineOf(12, word));
  };

/** The key that holds half of all records in the skewed texts. */
const heavyKey = "heavy";

/** Lines of twelve words, half of which are the same word, the others Zipf words. */
export const skewedWords: Text = () => {
  const random = randomFrom(3);
  const word = zipfWords(random);
  return chunksOf(500, () => lineOf(12, () => (random() < 0.5 ? heavyKey : word())));
};

/** The output of a word count's mapper: lines `word TAB 1` of Zipf words. */
export const wordPairs: Text = () => {
  const word = zipfWords(randomFrom(1));
  return chunksOf(5000, () => `${word()}\t1\n`);
};

/** Lines `docNNNNNN word …` of a hundred Zipf words; from a million documents on, the number has more digits. */
export const documents: Text = () => {
  const word = zipfWords(randomFrom(4));
  let number = 0;
  return chunksOf(50, () => `doc${String(++number).padStart(6, "0")} ${lineOf(100, word)}`);
};

/** Lines of 100 bytes with a unique key of 10: key, tab, padding. Unique up to 2³² lines, so that there is one sorted order. */
export const records: Text = () => {
  const random = randomFrom(2);
  let number = 0;
  return chunksOf(1000, () => {
    // The last digit comes first, because it is as random as any.
    const digits = mixed(++number).toString(36).toUpperCase().padStart(7, "0").split("").toReversed().join("");
    const key = digits + randomWord(random, keyLetters, 3);
    return `${key}\t${randomWord(random, letters, 8).repeat(11)}\n`;
  });
};

/** MurmurHash3's finalizer by Austin Appleby (public domain): another number in [0, 2³²) for each of them. */
const mixed = (number: number): number => {
  let hash = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** Lines `key TAB value` with values of 960 to 1,060 bytes; one key has half of them, and 50,000 others share the rest. */
export const largeValues: Text = () => {
  const random = randomFrom(5);
  return chunksOf(100, () => {
    const key = random() < 0.5 ? heavyKey : `key${Math.floor(random() * 50_000)}`;
    return `${key}\t${randomWord(random, letters, 10).repeat(96 + Math.floor(random() * 11))}\n`;
  });
};

/** The same short line, repeated. */
export const shortLines: Text = () => chunksOf(1, () => "a line of six short words\n");

/**
 * Reference implementation of a job with identity programs, without any product code. Bytes are handled as strings with one
 * character per byte (Latin-1), so that `<` compares bytes.
 */

export type Pair = { readonly key: string; readonly value: string };

const linesOf = (content: Uint8Array): string[] => {
  const lines = Buffer.from(content).toString("latin1").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
};

/** Splits an input into records. Lines end with `\n` or `\r\n`; the last one can end with nothing, or with `\r`. */
export const recordsOf = (content: Uint8Array): string[] =>
  linesOf(content).map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));

/** Splits a record at its first tab. Without a tab, all of it is the key. */
export const pairOf = (record: string): Pair => {
  const tab = record.indexOf("\t");
  return tab === -1 ? { key: record, value: "" } : { key: record.slice(0, tab), value: record.slice(tab + 1) };
};

const inOrder = (a: Pair, b: Pair): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** The records of all contents, sorted by key. Records with equal keys keep the order of the input. */
export const sortedPairs = (contents: readonly Uint8Array[]): Pair[] =>
  contents.flatMap((content) => recordsOf(content).map(pairOf)).toSorted(inOrder);

/** Who writes an output. */
type Writer = "executable" | "module" | "builtin";

/** Formats an output line: for executables as `cat` writes it, with the tab; for others without a tab if there is no value. */
export const lineOf = ({ key, value }: Pair, writer: Writer): string =>
  writer !== "executable" && value === "" ? `${key}\n` : `${key}\t${value}\n`;

/** The expected content of each part. Which keys belong to a part is read from it: the partitioning itself is not specified. */
export const expectedParts = (
  contents: readonly Uint8Array[],
  parts: readonly Uint8Array[],
  writer: Writer,
): string[] => {
  const home = new Map<string, number>();
  parts.forEach((part, index) => {
    for (const line of linesOf(part)) {
      const { key } = pairOf(line);
      const other = home.get(key) ?? index;
      if (other !== index) throw new Error(`the key ${JSON.stringify(key)} is in the parts ${other} and ${index}`);
      home.set(key, index);
    }
  });
  const expected: string[][] = parts.map(() => []);
  for (const pair of sortedPairs(contents)) {
    // A key that is in no part is expected in the first one, so that the comparison fails.
    expected[home.get(pair.key) ?? 0]?.push(lineOf(pair, writer));
  }
  return expected.map((lines) => lines.join(""));
};

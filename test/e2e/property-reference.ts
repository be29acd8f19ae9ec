/**
 * What a job with identity programs must make of its input, written without any code of the product. Bytes are handled as
 * strings of one character a byte (Latin-1), of which `<` is the order of the bytes.
 */

export type Pair = { readonly key: string; readonly value: string };

const linesOf = (content: Uint8Array): string[] => {
  const lines = Buffer.from(content).toString("latin1").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
};

/** Input lines end with `\n` or `\r\n`; the last one may end with nothing, or with `\r`. */
export const recordsOf = (content: Uint8Array): string[] =>
  linesOf(content).map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));

/** The key is what stands before the first tab, or all. */
export const pairOf = (record: string): Pair => {
  const tab = record.indexOf("\t");
  return tab === -1 ? { key: record, value: "" } : { key: record.slice(0, tab), value: record.slice(tab + 1) };
};

const inOrder = (a: Pair, b: Pair): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** The records of all contents, by key, those of a key in the order of the input. */
export const sortedPairs = (contents: readonly Uint8Array[]): Pair[] =>
  contents.flatMap((content) => recordsOf(content).map(pairOf)).toSorted(inOrder);

/** As executables get and `cat` writes it (always with the tab), or as modules' output is written. */
export const lineOf = ({ key, value }: Pair, writer: "executable" | "module"): string =>
  writer === "module" && value === "" ? `${key}\n` : `${key}\t${value}\n`;

/** What each part must hold, given which keys it holds: nothing more is known of the partitioning. */
export const expectedParts = (
  contents: readonly Uint8Array[],
  parts: readonly Uint8Array[],
  writer: "executable" | "module",
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
    // A key that is in no part is expected in the first, where it will be missed.
    expected[home.get(pair.key) ?? 0]?.push(lineOf(pair, writer));
  }
  return expected.map((lines) => lines.join(""));
};

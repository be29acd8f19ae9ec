import type { Random } from "../../helpers/random.ts";

const payload = "the quick brown fox jumps over the lazy dog and packs my box with five dozen liquor jugs ";

/**
 * Lines `key TAB number`, always followed by some text in larger inputs; about `size` bytes in total, with few or many distinct
 * keys.
 */
export const inputContent = (random: Random, size: number): Buffer => {
  const keys = random.pick([7, 300, 20_000]);
  const widths = size > 4_000_000 ? [80] : random.pick([[0], [0, 30], [80]]);
  const lines: string[] = [];
  for (let length = 0; length < size;) {
    const key = `k${random.int(1, keys).toString(36)}`;
    // The programs that sum take the number and ignore the rest.
    const text = payload.slice(0, random.pick(widths));
    const line = `${key}\t${random.int(0, 999)}${text === "" ? "" : ` ${text}`}\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join(""));
};

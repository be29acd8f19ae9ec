import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { BenchCase } from "./cases.ts";

/** For bash: compares the parts in the folders `$1` and `$2`. */
const compare = {
  sort: 'cmp <(sort -m "$1"/part-*) <(sort -m "$2"/part-*)',
  concatenate: 'cmp <(cat "$1"/part-*) <(cat "$2"/part-*)',
};

/** The folder with the files `part-…` that a side of a case has written. */
type Output = { readonly side: string; readonly output: string };

/**
 * @param merge how to merge the parts of each into one text
 * @throws Error if the outputs differ, or one of several is empty
 */
export const assertSame = ([first, ...others]: readonly Output[], merge: BenchCase["merge"]): void => {
  if (first === undefined || others.length === 0) return;
  for (const { side, output } of [first, ...others]) {
    // If all failed, empty outputs would be equal.
    if (bytesIn(output) === 0) throw new Error(`the output of ${side} is empty`);
  }
  const env = { ...process.env, LC_ALL: "C" };
  for (const { side, output } of others) {
    try {
      execFileSync("bash", ["-c", compare[merge], "compare", first.output, output], { env, stdio: "pipe" });
    } catch (error) {
      throw new Error(`the output of ${side} is not that of ${first.side}`, { cause: error });
    }
  }
};

const bytesIn = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.startsWith("part-"))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { BenchCase } from "./cases.ts";

/** For bash: compares the parts in the folders `$1` and `$2`. */
const compare = {
  sort: 'cmp <(sort -m "$1"/part-*) <(sort -m "$2"/part-*)',
  concatenate: 'cmp <(cat "$1"/part-*) <(cat "$2"/part-*)',
};

/**
 * @param merge how to merge the parts of each into one text
 * @throws Error if the two outputs, folders with files `part-…`, differ or are empty
 */
export const assertSame = (output: string, expected: string, merge: BenchCase["merge"]): void => {
  // If both failed, two empty outputs would be equal.
  for (const folder of [output, expected]) if (bytesIn(folder) === 0) throw new Error(`there is nothing in ${folder}`);
  const env = { ...process.env, LC_ALL: "C" };
  try {
    execFileSync("bash", ["-c", compare[merge], "compare", output, expected], { env, stdio: "pipe" });
  } catch (error) {
    throw new Error("the output is not what it is compared with", { cause: error });
  }
};

const bytesIn = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.startsWith("part-"))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

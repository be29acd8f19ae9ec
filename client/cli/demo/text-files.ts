import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandError, exitCodes } from "../failure.ts";

/** The documentation and licences of the packages beside this one: some megabytes of real text. */
const packages = (): string => dirname(dirname(fileURLToPath(import.meta.resolve("zod"))));

const isText = (name: string): boolean => /\.md$|^(licen[cs]e|thirdparty|notice)/i.test(name);

function* filesBelow(path: string): Generator<string> {
  if (!existsSync(path)) throw new CommandError(`There is no ${path}.`, exitCodes.unknown);
  if (!statSync(path).isDirectory()) {
    yield path;
    return;
  }
  for (const entry of readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) yield* filesBelow(below);
    else if (entry.isFile()) yield below;
  }
}

/** The files to count words in: those named, and all in the folders named; without any, texts of the installed packages. */
export const demoFiles = (named: readonly string[]): string[] =>
  named.length > 0
    ? named.flatMap((path) => [...filesBelow(path)])
    : [...filesBelow(packages())].filter((path) => isText(path.slice(path.lastIndexOf("/") + 1)));

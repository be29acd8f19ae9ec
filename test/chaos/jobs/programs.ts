/**
 * The programs of the jobs. Each executable is one process at a time, and fails if a process that it started was killed: how a
 * program handles a lost child process is its own affair and not under test.
 */
export type ChaosProgram = { readonly name: string; readonly type: "executable" | "module"; readonly text: string };

const executable = (name: string, body: string): ChaosProgram => ({
  name,
  type: "executable",
  text: `#!/bin/sh\nexport LC_ALL=C\n${body}`,
});

const nap = (seconds: number): string => `sleep ${seconds} || exit 9\n`;

const sum = String.raw`exec awk -F '\t' '
  NR > 1 && $1 != key { print key "\t" total; total = 0 }
  { key = $1; total += $2 }
  END { if (NR > 0) print key "\t" total }'
`;

const module = (name: string, text: string): ChaosProgram => ({ name, type: "module", text });

const split = `
  const tab = line.indexOf("\\t");
  if (tab === -1) emit(line);
  else emit(line.slice(0, tab), line.slice(tab + 1));`;

const sumUp = "(key, values, emit) { emit(key, values.reduce((sum, value) => sum + Number.parseInt(value, 10), 0)); }";

export const programs: readonly ChaosProgram[] = [
  executable("identity.sh", "exec cat\n"),
  executable("slow-identity.sh", `${nap(0.4)}exec cat\n`),
  executable("sum.sh", sum),
  executable("slow-sum.sh", nap(0.3) + sum),
  executable("failing.sh", "IFS= read -r first\nprintf '%s\\n' \"$first\"\necho 'told to fail' >&2\nexit 3\n"),
  // Long enough to be stopped meanwhile, and short enough to wait for if the stop comes too late.
  executable("dawdling.sh", `${nap(4)}exec cat\n`),
  module(
    "identity.mjs",
    `export function map(line, emit) {${split}\n}
export function reduce(key, values, emit) { for (const value of values) emit(key, value); }\n`,
  ),
  module(
    "slow-identity.mjs",
    `import { setTimeout } from "node:timers/promises";
let lines = 0;
export async function map(line, emit) {${split}
  if (++lines % 500 === 0) await setTimeout(20);
}
export function reduce(key, values, emit) { for (const value of values) emit(key, value); }\n`,
  ),
  module(
    "sum.mjs",
    `export function map(line, emit) {${split}\n}
export function reduce${sumUp}
export function combine${sumUp}\n`,
  ),
  module(
    "failing.mjs",
    `export function map(line, emit) { emit(line); }
export function reduce(key) { throw new Error("told to fail at " + key); }\n`,
  ),
];

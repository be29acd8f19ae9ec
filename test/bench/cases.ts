import { type Aggregate, identity } from "../../shared/builtin-programs.ts";
import * as inputs from "./inputs.ts";
import type { Input } from "./inputs.ts";
import * as programs from "./programs.ts";
import { asShellWord, type BenchProgram, type Program } from "./programs.ts";

/** A job without its input. */
export type BenchJob = {
  readonly mapper: BenchProgram;
  readonly reducer?: BenchProgram;
  readonly combiner?: Program;
  /** Takes the place of a reducer and a combiner. */
  readonly aggregate?: Aggregate;
  readonly nReducers: number;
  /** Small input files share a map. */
  readonly combineInputs?: true;
};

/** What a case measures: a whole job, or only sorting and merging, in its own process (see `kernel.ts`). */
type Subject = { readonly kind: "job"; readonly job: BenchJob } | { readonly kind: "kernel" };

/** What the subject is compared with, on the same machine in the same run. */
type Baseline =
  /**
   * A bash command, run with `LC_ALL=C` and `pipefail`: what a user would type instead. Reads `$INPUT`, a file or a folder with
   * a trailing slash, and writes files `$OUTPUT/part-…`.
   */
  | { readonly kind: "command"; readonly script: string }
  /** Another job, over another input. */
  | { readonly kind: "job"; readonly job: BenchJob; readonly input: Input };

export type BenchCase = {
  readonly name: string;
  readonly input: Input;
  readonly subject: Subject;
  readonly baseline?: Baseline;
  /** How to merge the parts of an output into one text, which must equal the baseline's. */
  readonly merge: "sort" | "concatenate";
  /** Whether the case is part of the series of sizes. */
  readonly inScale?: true;
};

const command = (script: string): Baseline => ({ kind: "command", script });
const job = (of: BenchJob): Subject => ({ kind: "job", job: of });

const sort = "sort -s -k1,1 --parallel=2 -S 2G";
const mawkWordCount = { mapper: programs.splitWords, reducer: programs.sumCounts, nReducers: 2 };
const mawkPipeline = command(
  `mawk ${asShellWord(programs.splitWords)} "$INPUT" | ${sort} | mawk ${asShellWord(programs.sumCounts)} > "$OUTPUT/part-0"`,
);
const mawkArray = command(
  `mawk '{ for (i = 1; i <= NF; i++) c[$i]++ } END { for (w in c) print w "\\t" c[w] }' "$INPUT" > "$OUTPUT/raw" && sort "$OUTPUT/raw" > "$OUTPUT/part-0"`,
);
const sortLines = command(`sort --parallel=2 -S 2G "$INPUT" > "$OUTPUT/part-0"`);
const sortByKey = command(`${sort} "$INPUT" > "$OUTPUT/part-0"`);
const measureLargeValues = `mawk -F'\\t' 'NR > 1 && $1 != k { show(); c = b = 0 } { k = $1; c++; b += length($2) } END { show() } function show() { printf "%s\\t%d %.0f\\n", k, c, b }'`;

const wordCount: BenchCase = {
  name: "word-count",
  input: inputs.words,
  subject: job(mawkWordCount),
  baseline: mawkPipeline,
  merge: "sort",
};

const wordCountModule: BenchCase = {
  name: "word-count-module",
  input: inputs.words,
  subject: job({ mapper: programs.wordCount, reducer: programs.wordCount, nReducers: 2 }),
  baseline: mawkArray,
  merge: "sort",
};

const sortRecords: BenchCase = {
  name: "sort-module",
  input: inputs.records,
  subject: job({ mapper: programs.identity, reducer: programs.identity, nReducers: 2 }),
  baseline: sortLines,
  merge: "sort",
};

const grepFiles: BenchCase = {
  name: "grep",
  input: inputs.wordFiles,
  subject: job({ mapper: programs.grep, nReducers: 0 }),
  // grep exits with 1 if it finds nothing, which is no failure.
  baseline: command(`ls "$INPUT" | xargs -P2 -n1 sh -c 'grep -F qua "$INPUT$0" > "$OUTPUT/part-$0" || [ $? -eq 1 ]'`),
  merge: "concatenate",
};

const combining = programs.combiningWordCount;

export const benchCases: readonly BenchCase[] = [
  { ...wordCount, inScale: true },
  wordCountModule,
  {
    ...wordCount,
    name: "word-count-combiner",
    subject: job({ ...mawkWordCount, combiner: programs.sumCounts }),
  },
  {
    ...wordCountModule,
    name: "word-count-combiner-module",
    subject: job({ mapper: combining, reducer: combining, combiner: combining, nReducers: 2 }),
  },
  {
    ...wordCount,
    name: "word-count-sum",
    subject: job({ mapper: programs.splitWords, aggregate: "sum", nReducers: 2 }),
  },
  {
    ...wordCountModule,
    name: "word-count-module-sum",
    subject: job({ mapper: programs.wordCount, aggregate: "sum", nReducers: 2 }),
  },
  { ...sortRecords, inScale: true },
  { ...sortRecords, name: "sort-cat", subject: job({ mapper: programs.cat, reducer: programs.cat, nReducers: 2 }) },
  { ...sortRecords, name: "sort-identity", subject: job({ mapper: identity, reducer: identity, nReducers: 2 }) },
  {
    name: "inverted-index",
    input: inputs.documents,
    subject: job({ mapper: programs.splitDocuments, reducer: programs.listDocuments, nReducers: 2 }),
    baseline: command(
      `mawk ${asShellWord(programs.splitDocuments)} "$INPUT" | ${sort} | mawk ${asShellWord(programs.listDocuments)} > "$OUTPUT/part-0"`,
    ),
    merge: "sort",
  },
  grepFiles,
  { ...grepFiles, name: "grep-module", subject: job({ mapper: programs.grepModule, nReducers: 0 }) },
  {
    name: "small-files",
    input: inputs.smallFiles,
    subject: job({ ...mawkWordCount, combineInputs: true }),
    baseline: { kind: "job", job: mawkWordCount, input: inputs.smallFilesInOne },
    merge: "sort",
  },
  {
    name: "skew",
    input: inputs.skewedWords,
    subject: job(mawkWordCount),
    baseline: mawkPipeline,
    merge: "sort",
  },
  {
    name: "skew-module",
    input: inputs.largeValues,
    subject: job({ mapper: programs.measureValues, reducer: programs.measureValues, nReducers: 2 }),
    baseline: command(`${sort} "$INPUT" | ${measureLargeValues} > "$OUTPUT/part-0"`),
    merge: "sort",
  },
  {
    name: "kernel-words",
    input: inputs.wordPairs,
    subject: { kind: "kernel" },
    baseline: sortByKey,
    merge: "concatenate",
  },
  {
    name: "kernel-records",
    input: inputs.records,
    subject: { kind: "kernel" },
    baseline: sortByKey,
    merge: "concatenate",
  },
  {
    name: "one-line",
    input: inputs.oneLine,
    subject: job({ mapper: programs.wordCount, reducer: programs.wordCount, nReducers: 1 }),
    merge: "sort",
  },
];

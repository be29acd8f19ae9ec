import { identity } from "../../shared/builtin-programs.ts";
import type { BenchJob } from "./bench-job.ts";
import * as inputs from "./inputs.ts";
import type { Input } from "./inputs.ts";
import * as peers from "./peers.ts";
import type { Peer } from "./peers.ts";
import * as programs from "./programs.ts";

/** What a case measures: a whole job, or only sorting and merging, in its own process (see `kernel.ts`). */
type Subject = { readonly kind: "job"; readonly job: BenchJob } | { readonly kind: "kernel" };

export type BenchCase = {
  readonly name: string;
  readonly input: Input;
  readonly subject: Subject;
  readonly peers: readonly Peer[];
  /** How to merge the parts of an output into one text, which must equal each peer's. */
  readonly merge: "sort" | "concatenate";
  /** Whether jobs read and write a store as in a cluster (see `remote-store/server.ts`) instead of files. */
  readonly isRemote?: true;
  /** Whether the case is part of the series of sizes. */
  readonly inScale?: true;
};

const job = (of: BenchJob): Subject => ({ kind: "job", job: of });

const mawkWordCount = { mapper: programs.splitWords, reducer: programs.sumCounts, nReducers: 2 };

const wordCount: BenchCase = {
  name: "word-count",
  input: inputs.words,
  subject: job(mawkWordCount),
  peers: peers.countWords,
  merge: "sort",
};

const combining = programs.combiningWordCount;
const combiningWordCount = { mapper: combining, reducer: combining, combiner: combining, nReducers: 2 };
const moduleWordCount = { mapper: programs.wordCount, reducer: programs.wordCount, nReducers: 2 };

const storeWordCount: Omit<BenchCase, "name"> = {
  input: inputs.words,
  subject: job(moduleWordCount),
  peers: [peers.countWordsAtAddress],
  merge: "sort",
  isRemote: true,
};

const sortRecords: BenchCase = {
  name: "sort-module",
  input: inputs.records,
  subject: job({ mapper: programs.identity, reducer: programs.identity, nReducers: 2 }),
  peers: peers.sortLines,
  merge: "sort",
};

const grepFiles: BenchCase = {
  name: "grep",
  input: inputs.wordFiles,
  subject: job({ mapper: programs.grep, nReducers: 0 }),
  peers: peers.grepFiles,
  merge: "concatenate",
};

export const benchCases: readonly BenchCase[] = [
  { ...wordCount, inScale: true },
  { ...wordCount, name: "word-count-module", subject: job(moduleWordCount) },
  {
    ...wordCount,
    name: "word-count-combiner",
    subject: job({ ...mawkWordCount, combiner: programs.sumCounts }),
  },
  {
    ...wordCount,
    name: "word-count-combiner-module",
    subject: job(combiningWordCount),
  },
  {
    ...wordCount,
    name: "word-count-sum",
    subject: job({ mapper: programs.splitWords, aggregate: "sum", nReducers: 2 }),
  },
  {
    ...wordCount,
    name: "word-count-module-sum",
    subject: job({ mapper: programs.wordCount, aggregate: "sum", nReducers: 2 }),
  },
  {
    ...wordCount,
    name: "word-count-wasm",
    subject: job({ mapper: programs.wordCountWasm, reducer: programs.wordCountWasm, nReducers: 2 }),
  },
  {
    ...wordCount,
    name: "word-count-wasm-sum",
    subject: job({ mapper: programs.wordCountWasm, aggregate: "sum", nReducers: 2 }),
  },
  {
    ...wordCount,
    name: "word-count-rust-sum",
    subject: job({ mapper: programs.wordCountRust, aggregate: "sum", nReducers: 2 }),
  },
  {
    ...wordCount,
    name: "word-count-command-sum",
    subject: job({ mapper: programs.wordCountCommand, aggregate: "sum", nReducers: 2 }),
    peers: [
      ...peers.countWords,
      {
        kind: "job",
        name: "executable",
        job: { mapper: programs.wordCountNative, aggregate: "sum", nReducers: 2 },
        needs: "command -v rustc",
      },
    ],
  },
  { ...sortRecords, inScale: true },
  {
    ...sortRecords,
    name: "sort-wasm",
    subject: job({ mapper: programs.sortWasm, reducer: programs.sortWasm, nReducers: 2 }),
  },
  { ...sortRecords, name: "sort-cat", subject: job({ mapper: programs.cat, reducer: programs.cat, nReducers: 2 }) },
  { ...sortRecords, name: "sort-identity", subject: job({ mapper: identity, reducer: identity, nReducers: 2 }) },
  {
    name: "inverted-index",
    input: inputs.documents,
    subject: job({ mapper: programs.splitDocuments, reducer: programs.listDocuments, nReducers: 2 }),
    peers: [peers.indexDocuments],
    merge: "sort",
  },
  grepFiles,
  { ...grepFiles, name: "grep-module", subject: job({ mapper: programs.grepModule, nReducers: 0 }) },
  {
    ...grepFiles,
    name: "grep-wasm",
    subject: job({ mapper: programs.grepWasm, nReducers: 0 }),
    peers: [...peers.grepFiles, peers.grepInTurn],
  },
  {
    name: "small-files",
    input: inputs.smallFiles,
    subject: job({ ...mawkWordCount, combineInputs: true }),
    peers: [{ kind: "job", name: "one-file", job: mawkWordCount, input: inputs.smallFilesInOne }],
    merge: "sort",
  },
  { ...wordCount, name: "skew", input: inputs.skewedWords },
  {
    name: "skew-module",
    input: inputs.largeValues,
    subject: job({ mapper: programs.measureValues, reducer: programs.measureValues, nReducers: 2 }),
    peers: [peers.measureValues],
    merge: "sort",
  },
  {
    name: "kernel-words",
    input: inputs.wordPairs,
    subject: { kind: "kernel" },
    peers: [peers.sortByKey],
    merge: "concatenate",
  },
  {
    name: "kernel-records",
    input: inputs.records,
    subject: { kind: "kernel" },
    peers: [peers.sortByKey],
    merge: "concatenate",
  },
  {
    name: "one-line",
    input: inputs.oneLine,
    subject: job({ ...moduleWordCount, nReducers: 1 }),
    peers: [],
    merge: "sort",
  },
  {
    name: "store-scan",
    input: inputs.words,
    subject: job({ mapper: programs.grepModule, nReducers: 0 }),
    peers: [peers.grepAddress],
    merge: "concatenate",
    isRemote: true,
  },
  { ...storeWordCount, name: "store-word-count" },
  {
    ...storeWordCount,
    name: "store-requests",
    input: inputs.fewWords,
    subject: job({ ...moduleWordCount, maps: 200, nReducers: 64 }),
  },
];

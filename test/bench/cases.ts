import { records, words } from "./inputs.ts";

type Program = { readonly name: string; readonly type: "executable" | "module"; readonly text: string };

/** A job, and the command that a user would type instead. */
export type BenchCase = {
  readonly name: string;
  readonly input: { readonly name: string; readonly chunks: () => Generator<string, never, void> };
  readonly mapper: Program;
  readonly reducer?: Program;
  readonly nReducers: number;
  /** For bash, with `LC_ALL=C`: reads `$INPUT`, writes the sorted result to `$OUTPUT`. */
  readonly command: string;
  /** How the parts become what the command writes. */
  readonly merge: "sort" | "concatenate";
};

const text = { name: "words", chunks: words };
const sortable = { name: "records", chunks: records };

const mawkMapper: Program = {
  name: "split.awk",
  type: "executable",
  text: '#!/usr/bin/mawk -f\n{ for (i = 1; i <= NF; i++) print $i "\\t1" }\n',
};
const mawkReducer: Program = {
  name: "sum.awk",
  type: "executable",
  text: `#!/usr/bin/mawk -f
BEGIN { FS = "\\t" }
NR > 1 && $1 != word { print word "\\t" count; count = 0 }
{ word = $1; count += $2 }
END { if (NR > 0) print word "\\t" count }
`,
};
const wordCountModule: Program = {
  name: "word-count.mjs",
  type: "module",
  text: `export function map(line, emit) {
  for (const word of line.split(" ")) emit(word, 1);
}
export function reduce(word, counts, emit) {
  let sum = 0;
  for (const count of counts) sum += Number(count);
  emit(word, sum);
}
`,
};
const identityModule: Program = {
  name: "identity.mjs",
  type: "module",
  text: `export const encoding = "bytes";
export function map(line, emit) {
  const tab = line.indexOf(9);
  emit(line.subarray(0, tab), line.subarray(tab + 1));
}
export function reduce(key, values, emit) {
  for (const value of values) emit(key, value);
}
`,
};
const cat: Program = { name: "cat.sh", type: "executable", text: "#!/bin/sh\nexec cat\n" };
const grep: Program = { name: "grep.sh", type: "executable", text: "#!/bin/sh\nLC_ALL=C grep -F qua || true\n" };

const mawkMap = `mawk '{ for (i = 1; i <= NF; i++) print $i "\\t1" }' "$INPUT"`;

export const benchCases: readonly BenchCase[] = [
  {
    name: "word-count",
    input: text,
    mapper: mawkMapper,
    reducer: mawkReducer,
    nReducers: 2,
    command: `${mawkMap} | sort -s -k1,1 --parallel=2 -S 50% | mawk -F'\\t' 'NR > 1 && $1 != w { print w "\\t" c; c = 0 } { w = $1; c += $2 } END { print w "\\t" c }' > "$OUTPUT"`,
    merge: "sort",
  },
  {
    name: "word-count-module",
    input: text,
    mapper: wordCountModule,
    reducer: wordCountModule,
    nReducers: 2,
    command: `mawk '{ for (i = 1; i <= NF; i++) c[$i]++ } END { for (w in c) print w "\\t" c[w] }' "$INPUT" > "$OUTPUT.raw"; sort "$OUTPUT.raw" > "$OUTPUT"; rm "$OUTPUT.raw"`,
    merge: "sort",
  },
  {
    name: "sort-module",
    input: sortable,
    mapper: identityModule,
    reducer: identityModule,
    nReducers: 2,
    command: `sort --parallel=2 -S 50% "$INPUT" > "$OUTPUT"`,
    merge: "sort",
  },
  {
    name: "sort-cat",
    input: sortable,
    mapper: cat,
    reducer: cat,
    nReducers: 2,
    command: `sort --parallel=2 -S 50% "$INPUT" > "$OUTPUT"`,
    merge: "sort",
  },
  {
    name: "grep",
    input: text,
    mapper: grep,
    nReducers: 0,
    command: `grep -F qua "$INPUT" > "$OUTPUT"`,
    merge: "concatenate",
  },
];

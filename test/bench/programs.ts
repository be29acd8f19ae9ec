import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { identity as builtinIdentity } from "../../shared/builtin-programs.ts";
import { compileExample } from "../helpers/assemblyscript.ts";

/** A program to upload as a job's artifact. */
export type Program = {
  /** The artifact's name: programs with equal names are equal. */
  readonly name: string;
  readonly type: "executable" | "module";
  readonly text: string;
};

/** A program that is compiled, or read from where it lies compiled. */
export type CompiledProgram = {
  readonly name: string;
  readonly type: "wasm" | "executable";
  readonly args?: readonly string[];
  readonly compiled: () => Promise<Buffer>;
};

/** What a mapper or reducer can be: a program to upload, or the name of a built-in one. */
export type BenchProgram = Program | CompiledProgram | typeof builtinIdentity;

/** An example in AssemblyScript. */
const inScript = (name: string): CompiledProgram => ({ name, type: "wasm", compiled: () => compileExample(name) });

const rustExamples = join(import.meta.dirname, "../../examples/webassembly/rust");

/** An example in Rust. */
const inRust = (name: string): CompiledProgram => ({
  name: `rust-${name}`,
  type: "wasm",
  compiled: () => readFile(join(rustExamples, `${name}.wasm`)),
});

export const wordCountWasm = inScript("word-count");
export const sortWasm = inScript("sort");
export const grepWasm: CompiledProgram = { ...inScript("grep"), args: ["qua"] };
export const wordCountRust = inRust("word-count");
export const wordCountCommand = inRust("word-count-command");

/** The same program for this machine, without the sandbox. */
export const wordCountNative: CompiledProgram = {
  name: "word-count-native",
  type: "executable",
  compiled: async () => {
    const folder = await mkdtemp(join(tmpdir(), "edgefold-bench-"));
    try {
      const [source, program] = [join(rustExamples, "word-count-command.rs"), join(folder, "program")];
      await promisify(execFile)("rustc", ["-C", "opt-level=3", "-C", "lto", source, "-o", program]);
      return await readFile(program);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

export const splitWords: Program = {
  name: "split.awk",
  type: "executable",
  text: '#!/usr/bin/mawk -f\n{ for (i = 1; i <= NF; i++) print $i "\\t1" }\n',
};

export const sumCounts: Program = {
  name: "sum.awk",
  type: "executable",
  text: `#!/usr/bin/mawk -f
BEGIN { FS = "\\t" }
NR > 1 && $1 != word { print word "\\t" count; count = 0 }
{ word = $1; count += $2 }
END { if (NR > 0) print word "\\t" count }
`,
};

export const wordCount: Program = {
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

export const combiningWordCount: Program = {
  name: "combining-word-count.mjs",
  type: "module",
  text: `${wordCount.text}export { reduce as combine };\n`,
};

/** Emits a document's name for each of its words. */
export const splitDocuments: Program = {
  name: "split-documents.awk",
  type: "executable",
  text: '#!/usr/bin/mawk -f\n{ for (i = 2; i <= NF; i++) print $i "\\t" $1 }\n',
};

/**
 * The documents of each word, in order of arrival, each once. A frequent word's list is as long as a fortieth of the input, so
 * it is written immediately and never held in memory.
 */
export const listDocuments: Program = {
  name: "list-documents.awk",
  type: "executable",
  text: `#!/usr/bin/mawk -f
BEGIN { FS = "\\t" }
NR == 1 || $1 != word { printf "%s%s\\t%s", (NR > 1 ? "\\n" : ""), $1, $2; word = $1; document = $2; next }
$2 != document { printf ",%s", $2; document = $2 }
END { if (NR > 0) printf "\\n" }
`,
};

export const identity: Program = {
  name: "identity.mjs",
  type: "module",
  text: `export const encoding = "bytes";
export function map(line, emit) {
  emit(line);
}
export function reduce(line, occurrences, emit) {
  for (const _ of occurrences) emit(line);
}
`,
};

/** Iterates over the values of a key without keeping them, and reports their number and total bytes. */
export const measureValues: Program = {
  name: "measure-values.mjs",
  type: "module",
  text: `export const encoding = "bytes";
export function map(line, emit) {
  const tab = line.indexOf(9);
  emit(line.subarray(0, tab), line.subarray(tab + 1));
}
export function reduce(key, values, emit) {
  let count = 0;
  let bytes = 0;
  for (const value of values) {
    count++;
    bytes += value.length;
  }
  emit(key, count + " " + bytes);
}
`,
};

export const cat: Program = { name: "cat.sh", type: "executable", text: "#!/bin/sh\nexec cat\n" };

export const grep: Program = {
  name: "grep.sh",
  type: "executable",
  text: "#!/bin/sh\nLC_ALL=C grep -F qua || true\n",
};

/** Emits what `grep` prints. */
export const grepModule: Program = {
  name: "grep.mjs",
  type: "module",
  text: `export const encoding = "bytes";
const wanted = Buffer.from("qua");
export function mapBatch(lines, emit) {
  for (let at = lines.indexOf(wanted); at !== -1;) {
    const end = lines.indexOf(10, at);
    emit(lines.subarray(lines.lastIndexOf(10, at) + 1, end));
    at = lines.indexOf(wanted, end);
  }
}
`,
};

/** The body of an awk program, quoted as a word of a shell command. */
export const asShellWord = ({ text }: Program): string => `'${text.slice(text.indexOf("\n") + 1)}'`;

/**
 * What the beginning of an uploaded program says of it. What can be told from the bytes alone is decided here, for the Worker
 * at upload and for runners before each start; what depends on a machine, only by runners.
 */

/** How many bytes of a file these functions want to see: more than Linux reads of a `#!` line (`BINPRM_BUF_SIZE`, 256). */
export const inspectedBytes = 512;

export type ProgramStart =
  /** `line` is what follows `#!`, without white space around it. */
  | { readonly kind: "script"; readonly line: string }
  /** `machine` is `e_machine` of the ELF header. */
  | { readonly kind: "elf"; readonly machine: number }
  | { readonly kind: "mach-o" }
  /** It runs nowhere. `problem` is the rest of a sentence that begins with the program's name, with the cure. */
  | { readonly kind: "unusable"; readonly problem: string };

/** The first four bytes of Mach-O files, big-endian: 32 and 64 bit in both byte orders, and universal binaries (`mach-o/loader.h`, `fat.h`). */
const machMagics: ReadonlySet<number> = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe]);

/** The least major version of a Java class, where a universal binary has the number of its architectures (JVMS 4.1). */
const leastClassVersion = 45;

/** Beginnings of files that are no programs, in hex, each with what it is and what to do. */
const others: readonly (readonly [string, string])[] = [
  [
    "504b0304",
    "is a zip archive (a jar or wheel is one, too): upload a script that starts with `#!`, or the archive with `--form type=archive`",
  ],
  ["1f8b", "is compressed with gzip: upload it decompressed, and of an archive the program alone"],
  ["28b52ffd", "is compressed with zstd: upload it decompressed, and of an archive the program alone"],
  ["425a68", "is compressed with bzip2: upload it decompressed, and of an archive the program alone"],
  ["fd377a585a00", "is compressed with xz: upload it decompressed, and of an archive the program alone"],
  ["377abcaf271c", "is a 7z archive: upload the program alone"],
  ["4d5a", "is built for Windows: build it for Linux"],
  ["0061736d", "is a WebAssembly module: upload it without a type, or with `--form type=wasm`"],
  ["213c617263683e0a", "is a static library: link it into a program"],
  [
    "efbbbf",
    "begins with a byte order mark, so that the system does not see its first line: save it as UTF-8 without BOM",
  ],
  ["fffe", "is UTF-16 text: save it as UTF-8 without BOM"],
  ["feff", "is UTF-16 text: save it as UTF-8 without BOM"],
];

const noFirstLine =
  "has no first line that names its interpreter: add `#!/usr/bin/env …` as the first line, or, if it is a JavaScript module, " +
  "upload it with `--form type=module`; what is no program, with `--form type=file`";

/** @param start the first `inspectedBytes` of an executable, or all of a shorter one */
export function inspectStart(start: Uint8Array): ProgramStart {
  if (start.length === 0) return unusable("is an empty file");
  if (latin1(start, 0, 2) === "#!") return scriptStart(start);
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const magic = start.length >= 8 ? view.getUint32(0) : 0;
  if (magic === 0x7f454c46 && start.length >= 20) return elfStart(start, view);
  if (machMagics.has(magic)) {
    if (magic !== 0xcafebabe || view.getUint32(4) < leastClassVersion) return { kind: "mach-o" };
    return unusable("is a Java class: upload a script that starts `java` with it");
  }
  return unusable(recognized(start) ?? noFirstLine);
}

/**
 * What a file is that is neither text nor a program.
 * @returns the rest of a sentence that begins with the program's name, with the cure; undefined where it may be text
 */
function recognized(start: Uint8Array): string | undefined {
  const hex = [...start.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const found = others.find(([magic]) => hex.startsWith(magic));
  if (found !== undefined) return found[1];
  if (latin1(start, 257, 262) === "ustar")
    return "is a tar archive: upload the program alone, or the archive with `--form type=archive`";
  // A version's number, CR and LF: the magic of compiled Python (importlib/_bootstrap_external.py).
  if (start.length >= 16 && hex.slice(2, 8) === "0d0d0a")
    return "is compiled Python: upload the source, with a `#!` line";
  return undefined;
}

function scriptStart(start: Uint8Array): ProgramStart {
  const lineEnd = start.indexOf(0x0a);
  const line = new TextDecoder().decode(start.subarray(2, lineEnd === -1 ? start.length : lineEnd));
  if (line.endsWith("\r")) {
    return unusable(
      "has Windows line endings, which become part of the interpreter's name: convert it with `sed -i 's/\\r$//' FILE`",
    );
  }
  if (line.trim() === "") {
    return unusable("names no interpreter after `#!`: write `#!/usr/bin/env …` as the first line");
  }
  return { kind: "script", line: line.trim() };
}

/** Offsets and values are those of the System V ABI, generic part, chapter 4. */
function elfStart(start: Uint8Array, view: DataView): ProgramStart {
  const isLittle = start[5] !== 2;
  const type = view.getUint16(16, isLittle);
  if (type === 1) return unusable("is an object file: link it");
  const is64 = start[4] === 2;
  // A library has no entry point; a position-independent program of the same type has one.
  if (type === 3 && start.length >= 32) {
    const entry = is64 ? view.getBigUint64(24, isLittle) : BigInt(view.getUint32(24, isLittle));
    if (entry === 0n) return unusable("is a shared library: link it into a program");
  }
  return { kind: "elf", machine: view.getUint16(18, isLittle) };
}

const unusable = (problem: string): ProgramStart => ({ kind: "unusable", problem });

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

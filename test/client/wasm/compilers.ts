import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const script = join(import.meta.dirname, "../../../examples/webassembly/build.sh");

/** The languages whose examples are kept compiled, beside their sources. */
export const languages = ["rust", "c"] as const;
export type Language = (typeof languages)[number];

const outputOf = (command: string, ...args: string[]): string => {
  const { stdout } = spawnSync(command, args, { encoding: "utf8" });
  // Null where there is no such command.
  return (stdout ?? "").trim();
};

/** The compilers of each language: the variable by which the script is told, their names, and a path that those for WebAssembly have. */
const compilers = {
  rust: {
    variable: "RUSTC",
    names: ["rustc", "/usr/bin/rustc"],
    needed: (rustc: string) => `${outputOf(rustc, "--print", "sysroot")}/lib/rustlib/wasm32-unknown-unknown/lib`,
  },
  c: {
    variable: "CLANG",
    names: ["clang", "clang-19"],
    needed: (clang: string) => outputOf(clang, "--target=wasm32", "-print-prog-name=wasm-ld"),
  },
} as const satisfies Record<Language, unknown>;

/** The section that tells which tools have made a module (https://github.com/WebAssembly/tool-conventions, "Producers.md"). */
const producersOf = (bytes: Buffer): string => {
  const text = bytes.toString("latin1");
  return text.slice(text.lastIndexOf("\tproducers"));
};

/** @returns a compiler that is installed; only the one that has made a module, if it is given */
export const findCompiler = (language: Language, made?: Buffer): string | undefined => {
  const { variable, names, needed } = compilers[language];
  const given = process.env[variable];
  return [...(given === undefined ? [] : [given]), ...names].find((name) => {
    // Such as `1.63.0` and `19.1.7 (3~deb12u1)`.
    const version = /\d.*/.exec(outputOf(name, "--version"))?.[0];
    if (version === undefined || !existsSync(needed(name))) return false;
    return made === undefined || producersOf(made).includes(`${String.fromCharCode(version.length)}${version}`);
  });
};

/** Compiles the examples in a language into a folder. */
export const buildExamples = async (language: Language, compiler: string, folder: string): Promise<void> => {
  const env = { ...process.env, [compilers[language].variable]: compiler };
  await promisify(execFile)(script, [folder, language], { env });
};

const clangTarget = ["--target=wasm32", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry"];
const clangWarnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

/** Options for programs. All warnings are errors. */
const options = {
  Rust: ["--edition", "2021", "-D", "warnings", "--target", "wasm32-unknown-unknown", "--crate-type", "cdylib"],
  C: ["-x", "c", "-std=c11", ...clangTarget, ...clangWarnings],
  "C++": ["-x", "c++", "-std=c++17", ...clangTarget, ...clangWarnings],
} as const;

/** Compiles a source in this folder, without optimization. */
export const compileSource = async (
  compiler: string,
  kind: keyof typeof options,
  source: string,
  folder: string,
): Promise<Buffer> => {
  const file = join(folder, "program.wasm");
  await promisify(execFile)(compiler, [...options[kind], join(import.meta.dirname, source), "-o", file]);
  return await readFile(file);
};

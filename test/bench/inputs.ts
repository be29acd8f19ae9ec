import { closeSync, createReadStream, existsSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import * as text from "./input-text.ts";

/** What a case reads. Created once, with the same bytes everywhere, and kept: cases share it. */
export type Input = {
  /** Part of its file's or folder's name. */
  readonly name: string;
  readonly text: text.Text;
  /** The minimum size in bytes, derived from `--size`. */
  readonly bytes: (size: number) => number;
  /** The number of equally long pieces of whole lines that it consists of. @default 1 */
  readonly pieces?: number;
  /** Whether the pieces are files in a folder instead of one file. */
  readonly isFolder?: true;
};

/** An input on disk. */
export type InputOnDisk = {
  /** A file, or a folder with a trailing slash. */
  readonly path: string;
  readonly bytes: number;
};

const whole = (size: number): number => size;
const half = (size: number): number => size / 2;

export const words: Input = { name: "words", text: text.words(), bytes: whole };
export const wordFiles: Input = { name: "word-files", text: text.words(), bytes: whole, pieces: 16, isFolder: true };
export const skewedWords: Input = { name: "skewed-words", text: text.skewedWords, bytes: whole };
export const wordPairs: Input = { name: "word-pairs", text: text.wordPairs, bytes: whole };
export const records: Input = { name: "records", text: text.records, bytes: whole };
// Half the size saves disk space and shows the same effect.
export const documents: Input = { name: "documents", text: text.documents, bytes: half };
export const largeValues: Input = { name: "large-values", text: text.largeValues, bytes: half };

/** 5,000 pieces of 2 KB, whatever the `--size`. */
const smallPieces = { text: text.words(1), bytes: () => 5000 * 2000, pieces: 5000 };
export const smallFiles: Input = { ...smallPieces, name: "small-files", isFolder: true };
export const smallFilesInOne: Input = { ...smallPieces, name: "small-files-in-one" };
/** 2 MB, whatever the `--size`. */
export const fewWords: Input = { ...words, name: "few-words", bytes: () => 2e6 };
export const oneLine: Input = { name: "one-line", text: text.shortLines, bytes: () => 1 };

/** Creates an input if it does not exist yet. @param size the value of `--size`, in bytes */
export const inputOnDisk = async (folder: string, input: Input, size: number): Promise<InputOnDisk> => {
  const bytes = Math.round(input.bytes(size));
  const path = join(folder, `${input.name}-${bytes}${input.isFolder === true ? "/" : ".txt"}`);
  if (!existsSync(path)) {
    // Gets its own name only when complete; another bench can be creating the same one.
    const unfinished = `${join(folder, input.name)}-${bytes}.${process.pid}.new`;
    mkdirSync(input.isFolder === true ? unfinished : folder, { recursive: true });
    write(unfinished, input, bytes);
    renameSync(unfinished, path);
  }
  return { path, bytes: await sizeOf(path) };
};

const write = (path: string, { text: textOf, pieces = 1, isFolder }: Input, bytes: number): void => {
  const chunks = textOf();
  for (let piece = 0; piece < pieces; piece++) {
    const name = `${String(piece).padStart(5, "0")}.txt`;
    const file = openSync(isFolder === true ? join(path, name) : path, "a");
    try {
      for (let written = 0; written < bytes / pieces;) {
        const chunk = chunks.next().value;
        writeSync(file, chunk);
        written += chunk.length;
      }
    } finally {
      closeSync(file);
    }
  }
};

/** The files of an input, in order. */
const filesOf = async (path: string): Promise<string[]> =>
  path.endsWith("/") ? (await readdir(path)).sort().map((name) => join(path, name)) : [path];

const sizeOf = async (path: string): Promise<number> => {
  let bytes = 0;
  for (const file of await filesOf(path)) bytes += (await stat(file)).size;
  return bytes;
};

/** Reads an input, so that the first measurement does not pay for reading it from disk. */
export const warm = async ({ path }: InputOnDisk): Promise<void> => {
  const reading = { highWaterMark: 1024 * 1024 };
  for (const file of await filesOf(path)) for await (const _ of createReadStream(file, reading));
};

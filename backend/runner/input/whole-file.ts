import { readSync } from "node:fs";
import { compressionOf, type InputCompression } from "../../../shared/compression.ts";
import type { MapInput } from "../../../shared/protocol/tasks.ts";
import type { OpenFile } from "../../storage/store.ts";
import { Pacer } from "../pacer.ts";
import { countNewlines } from "./count-newlines.ts";
import { isPlainText } from "./object-head.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;

/** Bytes to inspect at a time, small enough to stay in the processor's cache. */
const chunkLength = 256 * 1024;

/** A file whose whole content is the records of a map, exactly as a program reads them. */
export type WholeFile = OpenFile & { readonly records: number; readonly bytes: number };

type WholeFileOptions = {
  /** Maximum bytes of a line, without its newline. */
  readonly recordLimit: number;
  /** With `none`, nothing is decompressed and any bytes are taken as records. @default auto */
  readonly compression?: InputCompression | undefined;
  readonly signal: AbortSignal;
  /** Opens the file of a range, if it is on this machine. */
  open(range: MapInput[number]): Promise<OpenFile | undefined>;
};

/**
 * Opens the input of a map if a program can read it directly, which avoids a pipe: a whole file on this machine, uncompressed and
 * without a byte order mark, in which every line ends with a plain newline and none is too long. To check this and to count the
 * records, the file is read once.
 * @returns undefined for any other input, which can still be valid
 */
export async function openWholeFile(input: MapInput, options: WholeFileOptions): Promise<WholeFile | undefined> {
  const [range, ...others] = input;
  if (range === undefined || others.length > 0 || range.start > 0 || range.end < range.size) return undefined;
  if (compressionOf(range.path, options.compression) !== undefined) return undefined;
  const file = await options.open(range);
  if (file === undefined) return undefined;
  try {
    const records = await countRecords(file.descriptor, range.size, options);
    if (records !== undefined) return { ...file, records, bytes: range.size };
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  return undefined;
}

/** @returns the number of lines, or undefined if a program cannot read the file directly */
async function countRecords(
  descriptor: number,
  size: number,
  { recordLimit, signal, compression }: WholeFileOptions,
): Promise<number | undefined> {
  const buffer = Buffer.allocUnsafeSlow(chunkLength);
  const pacer = new Pacer(signal);
  let records = 0;
  let lineStart = 0;
  for (let position = 0; position < size;) {
    // With a position, so that the descriptor's own position does not move.
    const read = readSync(descriptor, buffer, 0, Math.min(chunkLength, size - position), position);
    if (read === 0) return undefined;
    const chunk = buffer.subarray(0, read);
    if (position === 0 && compression !== "none" && !isPlainText(chunk)) return undefined;
    const first = chunk.indexOf(newline);
    const last = first === -1 ? -1 : chunk.lastIndexOf(newline);
    if ((first === -1 ? position + read : position + first) - lineStart > recordLimit) return undefined;
    // A line between two newlines of a chunk can only be too long if a chunk can.
    if (recordLimit < chunkLength && hasLongerLine(chunk.subarray(first + 1, last + 1), recordLimit)) return undefined;
    if (last !== -1) lineStart = position + last + 1;
    if (chunk.includes(carriageReturn)) return undefined;
    records += countNewlines(chunk);
    position += read;
    if (pacer.due) await pacer.rest();
  }
  return lineStart === size ? records : undefined;
}

/** Whether one of the lines, each of which ends with a newline, is longer than the limit. */
function hasLongerLine(lines: Buffer, limit: number): boolean {
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(newline, start);
    if (end - start > limit) return true;
    start = end + 1;
  }
  return false;
}

import type { InputCompression } from "../../../shared/compression.ts";
import type { InputRange } from "../../../shared/protocol/tasks.ts";
import type { ByteRange } from "../../storage/store.ts";
import { readRecords, type RecordBatch } from "./record-batches.ts";

const newline = 0x0a;

/** The first look beyond the end of a split, in bytes; each further one is twice as long, up to `maxLookAhead`. */
const firstLookAhead = 64 * 1024;
const maxLookAhead = 8 * 1024 * 1024;

/** A split of an object that is not compressed. */
type SplitSource = Pick<InputRange, "path" | "size" | "start" | "end"> & {
  /** Most bytes of a line, without its newline. */
  readonly recordLimit: number;
  /** With `none` any bytes are records, and all of them. @default auto */
  readonly compression?: InputCompression | undefined;
  /** Opens a range of the object, never an empty one and never beyond `size`. */
  open(range: ByteRange): Promise<AsyncIterable<Buffer>>;
};

/**
 * The records of a split: those whose first byte lies in it. So a record that begins before `end` is read to its own end
 * beyond it, and one that began before `start` is left to an earlier split. Reads `[start - 1, end)`, and more only where
 * the last record is not complete there.
 * @throws RecordLimitError for a line over the limit; Error where the store sends more or fewer bytes than it was asked for
 */
export async function* readSplit(split: SplitSource): AsyncGenerator<RecordBatch, void, void> {
  const chunks = splitChunks(split)[Symbol.asyncIterator]();
  try {
    const first = await chunks.next();
    if (first.done === true) return;
    const { offset, bytes } = first.value;
    yield* readRecords(bytesOf(bytes, chunks), split, offset);
  } finally {
    await chunks.return();
  }
}

/** What is read of a split first: with the byte before it, which tells whether its first byte begins a record. */
export const firstRange = ({ start, end }: ByteRange): ByteRange => ({ start: Math.max(0, start - 1), end });

type Chunk = { readonly offset: number; readonly bytes: Buffer };

/** The split's records as consecutive chunks: the first begins with a record, the last ends with one or with the object. */
async function* splitChunks(split: SplitSource): AsyncGenerator<Chunk, void, void> {
  const { start, end, size } = split;
  if (start >= end) return;
  // A newline before the split makes its first byte the beginning of a record.
  let inRecord = start === 0;
  let endsWithNewline = false;
  for await (const { offset, bytes } of readRange(split, firstRange(split))) {
    const recordStart = inRecord ? 0 : bytes.indexOf(newline) + 1;
    if (!inRecord && recordStart === 0) continue;
    inRecord = true;
    endsWithNewline = bytes[bytes.length - 1] === newline;
    if (recordStart < bytes.length) yield { offset: offset + recordStart, bytes: bytes.subarray(recordStart) };
  }
  // Where no record began in the split, or the last one is complete, nothing beyond it is read.
  if (!inRecord || endsWithNewline) return;
  for (
    let from = end, length = firstLookAhead;
    from < size;
    from += length, length = Math.min(2 * length, maxLookAhead)
  ) {
    for await (const { offset, bytes } of readRange(split, { start: from, end: Math.min(from + length, size) })) {
      const recordEnd = bytes.indexOf(newline) + 1;
      yield { offset, bytes: recordEnd === 0 ? bytes : bytes.subarray(0, recordEnd) };
      if (recordEnd > 0) return;
    }
  }
}

async function* readRange(split: SplitSource, range: ByteRange): AsyncGenerator<Chunk, void, void> {
  let offset = range.start;
  for await (const bytes of await split.open(range)) {
    if (bytes.length > 0) yield { offset, bytes };
    offset += bytes.length;
  }
  if (offset !== range.end) {
    throw new Error(
      `${split.path}: the bytes ${range.start} to ${range.end} were asked for, ${offset - range.start} came`,
    );
  }
}

async function* bytesOf(first: Buffer, rest: AsyncGenerator<Chunk, void, void>): AsyncGenerator<Buffer, void, void> {
  yield first;
  for await (const { bytes } of rest) yield bytes;
}

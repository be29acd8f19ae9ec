import type { InputCompression } from "../../../shared/compression.ts";
import type { InputRange } from "../../../shared/protocol/tasks.ts";
import type { ByteRange } from "../../storage/store.ts";
import { readRecords, type RecordBatch } from "./record-batches.ts";

const newline = 0x0a;

/** Bytes to read first beyond the end of a split. Each further read is twice as long, up to `maxLookAhead`. */
const firstLookAhead = 64 * 1024;
const maxLookAhead = 8 * 1024 * 1024;

/** A split of an uncompressed object. */
type SplitSource = Pick<InputRange, "path" | "size" | "start" | "end"> & {
  /** Maximum bytes of a line, without its newline. */
  readonly recordLimit: number;
  /** With `none`, all bytes are taken as records, whatever they are. @default auto */
  readonly compression?: InputCompression | undefined;
  /** Opens a range of the object. The range is never empty and never extends beyond `size`. */
  open(range: ByteRange): Promise<AsyncIterable<Buffer>>;
};

/**
 * Yields the records of a split: those whose first byte lies in it. A record that starts before `end` is therefore read to its
 * own end beyond it, and a record that starts before `start` belongs to an earlier split. Reads `[start - 1, end)`, and more only
 * if the last record is not complete there.
 * @throws RecordLimitError for a line over the limit; Error if the store sends more or fewer bytes than requested
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

/** The range to read first: the split plus the byte before it, which tells whether the split's first byte starts a record. */
export const firstRange = ({ start, end }: ByteRange): ByteRange => ({ start: Math.max(0, start - 1), end });

type Chunk = { readonly offset: number; readonly bytes: Buffer };

/** Yields the split's records as consecutive chunks: the first starts with a record, the last ends with one or the object. */
async function* splitChunks(split: SplitSource): AsyncGenerator<Chunk, void, void> {
  const { start, end, size } = split;
  if (start >= end) return;
  // A newline just before the split means that its first byte starts a record.
  let inRecord = start === 0;
  let endsWithNewline = false;
  for await (const { offset, bytes } of readRange(split, firstRange(split))) {
    const recordStart = inRecord ? 0 : bytes.indexOf(newline) + 1;
    if (!inRecord && recordStart === 0) continue;
    inRecord = true;
    endsWithNewline = bytes[bytes.length - 1] === newline;
    if (recordStart < bytes.length) yield { offset: offset + recordStart, bytes: bytes.subarray(recordStart) };
  }
  // Read nothing beyond the split if no record starts in it or the last one is complete.
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

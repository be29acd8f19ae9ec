import type { InputCompression } from "../../../shared/compression.ts";
import { checkLines, LineFramer } from "./line-framer.ts";
import { ObjectHead } from "./object-head.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;

/** Whole input records: lines of one object, each ending with `\n`. */
export type RecordBatch = {
  readonly bytes: Buffer;
  /** The address of the object. */
  readonly path: string;
};

/** An input line is longer than the configured limit. */
class RecordLimitError extends Error {
  override readonly name = "RecordLimitError";

  /** @param offset where the line starts, in bytes from the start of the (decompressed) object */
  constructor(path: string, limit: number, offset: number) {
    super(`${path}: the input line at byte ${offset} is longer than RECORD_LIMIT, ${limit} bytes`);
  }
}

/** The properties of a stream of records. */
type RecordSource = {
  /** The address of the object that the stream comes from. */
  readonly path: string;
  /** Maximum bytes of a line, without its newline. */
  readonly recordLimit: number;
  /** With `none`, all bytes are taken as records, whatever they are. @default auto */
  readonly compression?: InputCompression | undefined;
};

/**
 * Yields the records of a stream, in batches. A record ends with `\n` or `\r\n`, which becomes `\n`. A missing last newline is
 * added, and replaces a final `\r`. A byte order mark at the start of an object is removed.
 * @param offset where the stream starts in its object
 * @throws RecordLimitError for a line over the limit; StorageError `UnsupportedInput` for an object that is not text
 */
export async function* readRecords(
  stream: AsyncIterable<Buffer>,
  source: RecordSource,
  offset = 0,
): AsyncGenerator<RecordBatch, void, void> {
  const { path, recordLimit, compression } = source;
  let mark = 0;
  const framer = new LineFramer(recordLimit, (at) => new RecordLimitError(path, recordLimit, mark + at), offset);
  let head = offset === 0 && compression !== "none" ? new ObjectHead(path) : undefined;
  for await (const chunk of stream) {
    const bytes = head === undefined ? chunk : head.push(chunk);
    if (bytes === undefined) continue;
    mark = head?.mark ?? mark;
    head = undefined;
    let begin = framer.offset;
    for (const lines of framer.push(bytes)) {
      yield toBatch(lines, source, mark + begin);
      begin = framer.offset;
    }
  }
  let begin = framer.offset;
  const last = head?.end();
  mark = head?.mark ?? mark;
  for (const lines of ending(framer, last)) {
    yield toBatch(lines, source, mark + begin);
    begin = framer.offset;
  }
}

/** Yields the last lines, including `bytes` of an object that ended before its head was complete. */
function* ending(framer: LineFramer, bytes: Buffer | undefined): Generator<Buffer, void, void> {
  if (bytes !== undefined && bytes.length > 0) yield* framer.push(bytes);
  yield* framer.end();
}

function toBatch(lines: Buffer, { path, recordLimit }: RecordSource, offset: number): RecordBatch {
  checkLines(lines, recordLimit, (start) => new RecordLimitError(path, recordLimit, offset + start));
  return { bytes: lines.includes(carriageReturn) ? withoutCarriageReturns(lines) : lines, path };
}

/** Returns a copy with `\r\n` replaced by `\n`. Not in place, because the chunk can belong to someone else. */
function withoutCarriageReturns(lines: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(lines.length);
  let length = 0;
  for (let at = 0; at < lines.length; at++) {
    const byte = lines[at] ?? 0;
    if (byte !== carriageReturn || lines[at + 1] !== newline) copy[length++] = byte;
  }
  return copy.subarray(0, length);
}

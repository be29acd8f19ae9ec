import { compressionOf, type InputCompression } from "../../../shared/compression.ts";
import type { InputRange } from "../../../shared/protocol/tasks.ts";
import { decompressed } from "../../storage/decompress.ts";
import type { ByteRange, ByteStream } from "../../storage/store.ts";
import { readRecords, type RecordBatch } from "./record-batches.ts";
import { firstRange, readSplit } from "./split-reader.ts";

export type InputSource = {
  /** Maximum bytes of a line, without its newline. */
  readonly recordLimit: number;
  /** With `none`, nothing is decompressed and any bytes are taken as records. @default auto */
  readonly compression?: InputCompression | undefined;
  /** Opens the object of a range, or only `bytes` of it. A chunk must stay valid until the next one is requested. */
  open(range: InputRange, bytes?: ByteRange): Promise<ByteStream>;
};

/** Reads a range. Starts fetching its first bytes at once. */
export class RangeReader {
  /** Bytes of the range. */
  readonly length: number;
  readonly #range: InputRange;
  readonly #source: InputSource;
  readonly #isCompressed: boolean;
  readonly #first: Promise<ByteStream>;
  readonly #chunks: Promise<AsyncIterable<Buffer>>;

  constructor(range: InputRange, source: InputSource) {
    this.length = range.end - range.start;
    this.#range = range;
    this.#source = source;
    this.#isCompressed = compressionOf(range.path, source.compression) !== undefined;
    this.#first = this.#isCompressed
      ? source.open(range).then((stream) => decompressed(range.path, stream))
      : source.open(range, firstRange(range));
    this.#chunks = this.#first.then(begun);
    this.#chunks.catch(ignored);
  }

  async *records(): AsyncGenerator<RecordBatch, void, void> {
    const { path, size, start, end } = this.#range;
    const { recordLimit, compression } = this.#source;
    if (this.#isCompressed) {
      yield* readRecords(await this.#chunks, { path, recordLimit });
      return;
    }
    let first: Promise<AsyncIterable<Buffer>> | undefined = this.#chunks;
    const open = (bytes: ByteRange): Promise<AsyncIterable<Buffer>> => {
      const chunks = first ?? this.#source.open(this.#range, bytes);
      first = undefined;
      return chunks;
    };
    yield* readSplit({ path, size, start, end, recordLimit, compression, open });
  }

  async close(): Promise<void> {
    const stream = await this.#first.catch(ignored);
    stream?.destroy();
  }
}

/** Ignores errors that are thrown again if the range is read. */
const ignored = (): undefined => undefined;

/** Returns the chunks of a stream and requests the first one now. Does not close the stream. */
const begun = (stream: ByteStream): AsyncIterable<Buffer> => {
  const chunks = stream[Symbol.asyncIterator]();
  const first = chunks.next();
  first.catch(ignored);
  return goingOn(first, chunks);
};

async function* goingOn(
  first: Promise<IteratorResult<Buffer>>,
  chunks: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  for (let next = await first; next.done !== true; next = await chunks.next()) yield next.value;
}

import { parseAddress } from "../../../shared/address.ts";
import { compressionOf, type InputCompression } from "../../../shared/compression.ts";
import type { InputRange, MapInput } from "../../../shared/protocol/tasks.ts";
import { decompressed } from "../../storage/decompress.ts";
import type { ByteRange, ByteStream, Store } from "../../storage/store.ts";
import { readRecords, type RecordBatch } from "./record-batches.ts";
import { firstRange, readSplit } from "./split-reader.ts";

/**
 * How many ranges to open ahead of the one being read, and how many bytes they may have together. With small objects, opening them
 * takes most of the time; of large ones much would be in memory.
 */
const rangesAhead = 8;
const bytesAhead = 16 * 1024 * 1024;

type InputSource = {
  /** Maximum bytes of a line, without its newline. */
  readonly recordLimit: number;
  /** With `none`, nothing is decompressed and any bytes are taken as records. @default auto */
  readonly compression?: InputCompression | undefined;
  /** Opens the object of a range, or only `bytes` of it. A chunk must stay valid until the next one is requested. */
  open(range: InputRange, bytes?: ByteRange): Promise<ByteStream>;
};

/**
 * Opens ranges in a store. Even a whole object is requested as a range, so that its length is known if the store does not tell
 * it.
 */
export const rangeOpener =
  (store: Pick<Store, "read">, useSSL: boolean): InputSource["open"] =>
  ({ path, size, etag }, bytes) =>
    store.read(parseAddress(path, useSSL), bytes ?? { start: 0, end: size }, etag, bytes !== undefined);

/**
 * Yields the records of a map's ranges, one range after another. No two ranges share a line, because each ends with a newline,
 * its own or an added one. Each batch is valid until the next one is requested. Some ranges are opened ahead; their errors are
 * thrown when it is their turn. All open ranges are closed when the reader stops.
 * @throws RecordLimitError for a line over the limit; what `open` and its streams throw
 */
export async function* readInput(input: MapInput, source: InputSource): AsyncGenerator<RecordBatch, void, void> {
  const waiting = [...input];
  const opened: RangeReader[] = [];
  const openAhead = (): void => {
    for (let [range] = waiting; range !== undefined; [range] = waiting) {
      const ahead = opened.slice(1).reduce((sum, { length }) => sum + length, range.end - range.start);
      if (opened.length > rangesAhead || (opened.length > 0 && ahead > bytesAhead)) return;
      opened.push(new RangeReader(range, source));
      waiting.shift();
    }
  };
  try {
    for (openAhead(); opened[0] !== undefined; openAhead()) {
      yield* opened[0].records();
      opened.shift();
    }
  } finally {
    await Promise.all(opened.map((reader) => reader.close()));
  }
}

/** Reads a range. Starts fetching its first bytes at once. */
class RangeReader {
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

import { parseAddress } from "../../../shared/address.ts";
import type { InputRange, MapInput } from "../../../shared/protocol/tasks.ts";
import type { Store } from "../../storage/store.ts";
import { type InputSource, RangeReader } from "./range-reader.ts";
import type { RecordBatch } from "./record-batches.ts";

/**
 * How many ranges to open ahead of the one being read, and how many bytes they may have together. With small objects, opening them
 * takes most of the time; of large ones much would be in memory.
 */
const rangesAhead = 8;
const bytesAhead = 16 * 1024 * 1024;

/**
 * Opens ranges in a store. Even a whole object is requested as a range, so that its length is known if the store does not tell
 * it.
 */
export const rangeOpener =
  (store: Pick<Store, "read">, useSSL: boolean): InputSource["open"] =>
  ({ path, size, etag }, bytes) =>
    store.read(parseAddress(path, useSSL), bytes ?? { start: 0, end: size }, etag, bytes !== undefined);

/** The ranges of a map's input, of which the first ones are open. */
export class OpenInput {
  readonly #waiting: InputRange[];
  readonly #opened: RangeReader[] = [];
  readonly #source: InputSource;

  constructor(ranges: readonly InputRange[], source: InputSource) {
    this.#waiting = [...ranges];
    this.#source = source;
    this.#openAhead();
  }

  /** Has more ranges follow. */
  add(ranges: readonly InputRange[]): void {
    this.#waiting.push(...ranges);
  }

  /** Yields the records of the ranges, one range after another. */
  async *records(): AsyncGenerator<RecordBatch, void, void> {
    for (this.#openAhead(); this.#opened[0] !== undefined; this.#openAhead()) {
      yield* this.#opened[0].records();
      this.#opened.shift();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((reader) => reader.close()));
  }

  #openAhead(): void {
    for (let [range] = this.#waiting; range !== undefined; [range] = this.#waiting) {
      const ahead = this.#opened.slice(1).reduce((sum, { length }) => sum + length, range.end - range.start);
      if (this.#opened.length > rangesAhead || (this.#opened.length > 0 && ahead > bytesAhead)) return;
      this.#opened.push(new RangeReader(range, this.#source));
      this.#waiting.shift();
    }
  }
}

/**
 * Yields the records of a map's ranges, one range after another. No two ranges share a line, because each ends with a newline,
 * its own or an added one. Each batch is valid until the next one is requested. Some ranges are opened ahead; their errors are
 * thrown when it is their turn. All open ranges are closed when the reader stops.
 * @param opened the input, if it is open already
 * @throws RecordLimitError for a line over the limit; what `open` and its streams throw
 */
export async function* readInput(
  input: MapInput,
  source: InputSource,
  opened?: OpenInput,
): AsyncGenerator<RecordBatch, void, void> {
  const ranges = opened ?? new OpenInput(input, source);
  try {
    yield* ranges.records();
  } finally {
    await ranges.close();
  }
}

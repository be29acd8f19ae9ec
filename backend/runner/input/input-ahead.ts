import { isDeepStrictEqual } from "node:util";
import type { InputRange, MapInput } from "../../../shared/protocol/tasks.ts";
import { mostInMemory } from "../../storage/parallel-pieces.ts";
import type { InputSource } from "./range-reader.ts";
import type { RecordBatch } from "./record-batches.ts";
import { OpenInput, readInput } from "./task-input.ts";

type SourceOf = (signal: AbortSignal) => InputSource;
type Opened = { readonly ranges: readonly InputRange[]; readonly input: OpenInput; readonly abort: AbortController };

/** The input of the map that this runner is most likely given next: it is opened while the map before writes its output. */
export class InputAhead {
  #opened: Opened | undefined;

  /** The most bytes that are in memory for it. */
  get bytes(): number {
    return this.#opened === undefined ? 0 : mostInMemory;
  }

  /**
   * Yields the records of a map's input. Then opens the first ranges of the next map's, which are given with it.
   * @param signal of the attempt
   * @param sourceOf the source whose requests end with a signal
   */
  async *read(
    { input, next }: { readonly input: MapInput; readonly next?: readonly InputRange[] | undefined },
    signal: AbortSignal,
    sourceOf: SourceOf,
  ): AsyncGenerator<RecordBatch, void, void> {
    yield* readInput(input, sourceOf(signal), this.take(input, signal));
    if (next !== undefined) this.open(next, sourceOf);
  }

  open(ranges: readonly InputRange[], sourceOf: SourceOf): void {
    this.discard();
    const abort = new AbortController();
    this.#opened = { ranges, input: new OpenInput(ranges, sourceOf(abort.signal)), abort };
  }

  /**
   * Hands over the input if it is what was opened, and else discards that.
   * @param signal of the attempt, which ends the requests from now on
   */
  take(input: MapInput, signal: AbortSignal): OpenInput | undefined {
    const opened = this.#opened;
    if (opened === undefined) return undefined;
    const { length } = opened.ranges;
    if (!isDeepStrictEqual(opened.ranges, input.slice(0, length))) {
      this.discard();
      return undefined;
    }
    this.#opened = undefined;
    opened.input.add(input.slice(length));
    const abort = (): void => opened.abort.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    return opened.input;
  }

  discard(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.abort.abort(new Error("this runner was given another task"));
    void opened?.input.close();
  }
}

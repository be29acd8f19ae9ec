import type { Counters } from "../counters.ts";
import { countNewlines } from "../input/count-newlines.ts";
import { type Sink, writeTo } from "../sink.ts";

const newline = 0x0a;

/** Passes on an executable's output unchanged, but adds a missing last newline. */
export class RawOutput {
  lines = 0;
  bytes = 0;
  readonly #sink: Sink;
  readonly #signal: AbortSignal;
  #last = newline;

  constructor(sink: Sink, signal: AbortSignal) {
    this.#sink = sink;
    this.#signal = signal;
  }

  write(chunk: Buffer): Promise<void> | undefined {
    this.lines += countNewlines(chunk);
    this.bytes += chunk.length;
    this.#last = chunk[chunk.length - 1] ?? this.#last;
    return writeTo(this.#sink, chunk, this.#signal);
  }

  async end(counters: Counters): Promise<void> {
    if (this.#last !== newline) await this.write(Buffer.from("\n"));
    counters.count("outputRecords", this.lines);
    counters.count("outputBytes", this.bytes);
  }
}

import { setImmediate } from "node:timers/promises";

/** The longest that a loop should block the event loop, in milliseconds. Heartbeats run on it too. */
const turn = 20;

/** Interrupts long synchronous loops so that timers, sockets and aborts get their turn. */
export class Pacer {
  readonly #signal: AbortSignal;
  #began = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether it is time to `rest`. Reads the clock, so check once per batch, not per record. */
  get due(): boolean {
    return performance.now() - this.#began > turn;
  }

  /** Lets everything else run. @throws the signal's reason when aborted */
  async rest(): Promise<void> {
    await setImmediate();
    this.#signal.throwIfAborted();
    this.#began = performance.now();
  }
}

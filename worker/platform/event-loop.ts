import { AlarmClock, soonest } from "./alarm-clock.ts";
import type { Outbox } from "./outbox.ts";

/** What an object's event loop is told of it. */
type Parts = {
  readonly outbox: Outbox;
  /** Whether the object has any tables. */
  readonly exists: () => boolean;
  /** When it has to be woken for anything but its outbox, in ms since 1970. */
  readonly nextDue: (now: number) => number | undefined;
  /** Drops what it has read and kept in memory: a transaction was undone. */
  readonly forget: () => void;
};

/**
 * Runs the events of an object. An event is one transaction, after which the object settles once: it delivers what
 * others must be told, and sets its alarm.
 */
export class EventLoop {
  readonly #ctx: DurableObjectState;
  readonly #parts: Parts;
  readonly #clock: AlarmClock;

  constructor(ctx: DurableObjectState, parts: Parts) {
    this.#ctx = ctx;
    this.#parts = parts;
    this.#clock = new AlarmClock(ctx.storage, (now) => this.#nextDue(now));
  }

  /**
   * Runs an event, of which all is kept, or nothing where it throws.
   * @param announce what is done once the event is through, before the object settles
   */
  run<T>(event: () => T, announce: () => void = () => undefined): T {
    let result: T;
    try {
      result = this.#ctx.storage.transactionSync(event);
    } catch (error) {
      this.#parts.forget();
      this.#parts.outbox.forget();
      this.#clock.forget();
      throw error;
    }
    announce();
    this.settle();
    return result;
  }

  /**
   * Delivers what is due, and sets the alarm: in this order, as a delivery that has begun is due again only when it has come to
   * nothing, and needs no alarm before.
   */
  settle(): void {
    if (!this.#parts.exists()) return;
    const now = Date.now();
    this.#deliverDue(now);
    this.#clock.arm(now);
  }

  /** Does what the alarm is for. Never throws. */
  async ring(work: (now: number) => void | Promise<void>): Promise<void> {
    if (!this.#parts.exists()) return;
    await this.#clock.ring(async (now) => {
      await work(now);
      // The clock sets the next alarm by itself.
      if (this.#parts.exists()) this.#deliverDue(Date.now());
    });
  }

  #nextDue(now: number): number | undefined {
    if (!this.#parts.exists()) return undefined;
    return soonest([this.#parts.outbox.next(), this.#parts.nextDue(now)]);
  }

  #deliverDue(now: number): void {
    const next = this.#parts.outbox.next();
    // Not awaited: no event waits for a slow receiver.
    if (next !== undefined && next <= now) this.#ctx.waitUntil(this.#deliver());
  }

  async #deliver(): Promise<void> {
    await this.#parts.outbox.deliver();
    this.#clock.arm(Date.now());
  }
}

import { tailBytes } from "../../shared/attempt-log.ts";
import type { RunnerRequest } from "../../shared/protocol/runner.ts";
import type { Unnumbered } from "../link.ts";
import type { AttemptLog } from "./attempt-log.ts";

/** How often new log content is sent, in ms, and the maximum bytes per message. */
const intervalMs = 500;
const mostBytes = 128 * 1024;

type Send = (piece: Unnumbered<Extract<RunnerRequest, { kind: "log" }>>) => Promise<unknown>;

/**
 * Sends the log of an attempt over the runner's link while somebody follows it. Output that arrives faster than this limit is
 * left out, so neither the program nor the link is held up.
 */
export class LogFollower {
  readonly #log: AttemptLog;
  readonly #send: Send;
  #attempt: string | undefined;
  /** Bytes of the log that were sent or left out. */
  #position = 0;
  #isSending = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: AttemptLog, send: Send) {
    this.#log = log;
    this.#send = send;
  }

  /** Sends the log of the running attempt from now on, starting at `position`. */
  follow(attempt: string, position: number): void {
    clearInterval(this.#timer);
    this.#attempt = attempt;
    this.#position = position;
    this.#timer = setInterval(() => this.#sendNext(), intervalMs);
    this.#sendNext();
  }

  unfollow(): void {
    clearInterval(this.#timer);
    this.#attempt = undefined;
  }

  /** Sends the end of the log when the attempt is over, before the attempt's outcome is reported to the job. */
  end(): void {
    if (this.#attempt === undefined) return;
    this.#position = Math.max(this.#position, this.#log.length - mostBytes);
    void this.#sendPiece(this.#attempt);
    this.unfollow();
  }

  #sendNext(): void {
    if (this.#attempt === undefined || this.#isSending) return;
    // This far behind, the next bytes would be lost anyway.
    if (this.#log.length - this.#position > tailBytes) this.#position = this.#log.length - mostBytes;
    void this.#sendPiece(this.#attempt);
  }

  async #sendPiece(attempt: string): Promise<void> {
    const { bytes, offset } = this.#log.slice(this.#position, mostBytes);
    if (bytes.length === 0) return;
    this.#position = offset + bytes.length;
    this.#isSending = true;
    try {
      await this.#send({ kind: "log", attempt, offset, content: bytes.toString("base64") });
    } catch {
      // There is no connection yet, or it was lost. Anyone who still follows asks again.
      this.#position = Math.min(this.#position, offset);
    } finally {
      this.#isSending = false;
    }
  }
}

import { tailBytes } from "../../shared/attempt-log.ts";
import type { RunnerRequest } from "../../shared/protocol/runner.ts";
import type { Unnumbered } from "../link.ts";
import type { AttemptLog } from "./attempt-log.ts";

/** How often what was added to a log is sent, in ms, and how many bytes at a time. */
const intervalMs = 500;
const mostBytes = 128 * 1024;

type Send = (piece: Unnumbered<Extract<RunnerRequest, { kind: "log" }>>) => Promise<unknown>;

/**
 * Sends the log of an attempt over the runner's link, for as long as somebody follows it. What is written faster than it may be
 * sent is left out: neither the program nor the link is held up.
 */
export class LogFollower {
  readonly #log: AttemptLog;
  readonly #send: Send;
  #attempt: string | undefined;
  /** Bytes of the log that were sent, or left out. */
  #position = 0;
  #isSending = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: AttemptLog, send: Send) {
    this.#log = log;
    this.#send = send;
  }

  /** Sends the log of the attempt under way from now on, beginning at a position of it. */
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

  /** The attempt is over: sends the end of its log, before the job hears of that. */
  end(): void {
    if (this.#attempt === undefined) return;
    this.#position = Math.max(this.#position, this.#log.length - mostBytes);
    void this.#sendPiece(this.#attempt);
    this.unfollow();
  }

  #sendNext(): void {
    if (this.#attempt === undefined || this.#isSending) return;
    // So far behind it would lose the next bytes anyhow.
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
      // There was no connection yet, or it is lost: then whoever still follows asks again.
      this.#position = Math.min(this.#position, offset);
    } finally {
      this.#isSending = false;
    }
  }
}

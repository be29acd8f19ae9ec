import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { askWorker } from "./ask-worker.ts";
import type { AttemptLog } from "./attempt-log.ts";
import type { RunnerToken } from "./runner-token.ts";

const compress = promisify(gzip);

/** How often a growing log is sent, in ms. A killed runner loses what was written since the last time. */
const intervalMs = 10_000;

/** Maximum number of logs that wait to be sent. When it is reached, the next attempt waits. */
const mostWaiting = 4;

type Sending = {
  readonly workerUrl: string;
  readonly jobId: string;
  readonly token: RunnerToken;
};

/** Sends the logs of attempts to the Worker in the background, one after the other, so that none overwrites a newer one. */
export class LogSender {
  readonly #sending: Sending;
  readonly #log: AttemptLog;
  #timer: NodeJS.Timeout | undefined;
  /** Length of the log when it was last sent, in bytes. */
  #sent = 0;
  /** What the Worker is known to have stored. */
  #stored = { attempt: "", length: 0 };
  #waiting = 0;
  #queue = Promise.resolve();

  constructor(log: AttemptLog, sending: Sending) {
    this.#log = log;
    this.#sending = sending;
  }

  /** Starts sending the log of an attempt. Waits if too many logs are still queued. */
  async begin(attempt: string): Promise<void> {
    if (this.#waiting >= mostWaiting) await this.#queue;
    this.#sent = 0;
    this.#timer = setInterval(() => {
      if (this.#waiting === 0) this.#send(attempt);
    }, intervalMs);
  }

  /** Sends the complete log, because the attempt is over. */
  end(attempt: string): void {
    clearInterval(this.#timer);
    this.#send(attempt);
  }

  /** Returns how many bytes of an attempt's log the Worker has, including bytes that were left out. */
  storedOf(attempt: string): number {
    return this.#stored.attempt === attempt ? this.#stored.length : 0;
  }

  /** Resolves when every log has been sent or given up. */
  async flush(): Promise<void> {
    await this.#queue;
  }

  #send(attempt: string): void {
    const { length } = this.#log;
    if (length === this.#sent) return;
    this.#sent = length;
    const content = this.#log.read();
    this.#waiting++;
    this.#queue = this.#queue.then(async () => {
      try {
        await this.#put(attempt, await compress(content), length);
        this.#stored = { attempt, length };
      } catch (error) {
        console.error(`the log of ${attempt} could not be sent: ${String(error)}`);
      } finally {
        this.#waiting--;
      }
    });
  }

  /** @param length the length of the whole log, including bytes that were left out */
  async #put(attempt: string, body: Buffer, length: number): Promise<void> {
    const { workerUrl, jobId, token } = this.#sending;
    const url = new URL(`/api/v1/jobs/${jobId}/attempts/${attempt}/log`, workerUrl);
    url.searchParams.set("length", String(length));
    const headers = { "content-type": "application/gzip" };
    await askWorker(url, token, { method: "PUT", success: 204, headers, body }, (answer) => answer.dump());
  }
}

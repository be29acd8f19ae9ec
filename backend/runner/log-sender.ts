import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { askWorker } from "./ask-worker.ts";
import type { AttemptLog } from "./attempt-log.ts";
import type { RunnerToken } from "./runner-token.ts";

const compress = promisify(gzip);

/** How often a log that grows is sent, in ms: what a runner loses that is killed. */
const intervalMs = 10_000;

/** Logs that wait to be sent, at most: then the next attempt waits. */
const mostWaiting = 4;

type Sending = {
  readonly workerUrl: string;
  readonly jobId: string;
  readonly token: RunnerToken;
};

/** Sends the logs of attempts to the Worker, in the background and one after the other, so that none overwrites a newer one. */
export class LogSender {
  readonly #sending: Sending;
  readonly #log: AttemptLog;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes of the log when it was last sent. */
  #sent = 0;
  /** What the Worker is known to have. */
  #stored = { attempt: "", length: 0 };
  #waiting = 0;
  #queue = Promise.resolve();

  constructor(log: AttemptLog, sending: Sending) {
    this.#log = log;
    this.#sending = sending;
  }

  /** An attempt begins. Waits where too many logs are still to be sent. */
  async begin(attempt: string): Promise<void> {
    if (this.#waiting >= mostWaiting) await this.#queue;
    this.#sent = 0;
    this.#timer = setInterval(() => {
      if (this.#waiting === 0) this.#send(attempt);
    }, intervalMs);
  }

  /** The attempt is over: what there is of its log is all. */
  end(attempt: string): void {
    clearInterval(this.#timer);
    this.#send(attempt);
  }

  /** Bytes of an attempt's log that the Worker has, with what was left out of them. */
  storedOf(attempt: string): number {
    return this.#stored.attempt === attempt ? this.#stored.length : 0;
  }

  /** Resolves when all logs were sent, or given up. */
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

  /** @param length of the whole log, also of what was left out */
  async #put(attempt: string, body: Buffer, length: number): Promise<void> {
    const { workerUrl, jobId, token } = this.#sending;
    const url = new URL(`/api/v1/jobs/${jobId}/attempts/${attempt}/log`, workerUrl);
    url.searchParams.set("length", String(length));
    const headers = { "content-type": "application/gzip" };
    await askWorker(url, token, { method: "PUT", success: 204, headers, body }, (answer) => answer.dump());
  }
}

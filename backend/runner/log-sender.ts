import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { request } from "undici";
import { Dispatchers } from "../proxy.ts";
import { pauseByClock, retrying, type Patience } from "../retry.ts";
import { classOf, isTransient } from "../storage/failure-class.ts";
import { codeOfStatus } from "../storage/http-failure.ts";
import type { AttemptLog } from "./attempt-log.ts";
import type { RunnerToken } from "./runner-token.ts";

const dispatchers = new Dispatchers();
const compress = promisify(gzip);

/** How long one log is sent before it is given up. */
const patience: Patience = { tries: 6, windowMs: 60_000, floorMs: 100, stepMs: 100, capMs: 10_000 };

/** How often a log that grows is sent, in ms: what a runner loses that is killed. */
const intervalMs = 10_000;

/** Logs that wait to be sent, at most: then the next attempt waits. */
const mostWaiting = 4;

/** The Worker does not take the log, and will not on another try. */
class RefusedError extends Error {}

type Sending = {
  readonly workerUrl: string;
  readonly jobId: string;
  readonly token: RunnerToken;
  /** How often a log that grows is sent, in ms. */
  readonly intervalMs?: number;
};

/** Sends the logs of attempts to the Worker, in the background and one after the other, so that none overwrites a newer one. */
export class LogSender {
  readonly #sending: Sending;
  readonly #log: AttemptLog;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes of the log when it was last sent. */
  #sent = 0;
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
    }, this.#sending.intervalMs ?? intervalMs);
  }

  /** The attempt is over: what there is of its log is all. */
  end(attempt: string): void {
    clearInterval(this.#timer);
    this.#send(attempt);
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
    await retrying(
      async () => {
        const headers = { authorization: `Bearer ${token.current}`, "content-type": "application/gzip" };
        const answer = await request(url, { method: "PUT", dispatcher: dispatchers.for(url), headers, body });
        await answer.body.dump();
        if (answer.statusCode < 300) return;
        const failure = { code: codeOfStatus(answer.statusCode), status: answer.statusCode };
        throw new (isTransient(classOf(failure)) ? Error : RefusedError)(`the Worker answered ${answer.statusCode}`);
      },
      (error) => (error instanceof RefusedError ? undefined : { patience }),
      pauseByClock,
      undefined,
    );
  }
}

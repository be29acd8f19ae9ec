import { createParser } from "eventsource-parser";
import { backoffMs, type BackoffTimes } from "../../shared/backoff.ts";
import { isEnded } from "../../shared/status.ts";
import { EdgefoldError } from "./error.ts";
import { dataOf, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import { sleep } from "./sleep.ts";
import { readText } from "./text.ts";
import type { JournalEvent } from "./types.ts";

/** The events of a job, over as many connections as it takes. */

/** The server lets no more than 15 s go by without a heartbeat. */
const silenceMs = 45_000;

/** The waits between two connections. */
const pauses: BackoffTimes = { floorMs: 1000, stepMs: 1000, capMs: 30_000 };

/** Most tries to connect again that fail one after another: some ten minutes. */
const mostTries = 40;

const isTransient = (error: unknown): error is EdgefoldError =>
  error instanceof EdgefoldError && (error.status === undefined || error.status === 429 || error.status >= 500);

/** Reads server-sent events, which the server makes of its own schema, until the stream ends. */
const parseEvents = async function* (texts: AsyncIterable<string>): AsyncGenerator<JournalEvent> {
  const events: JournalEvent[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(JSON.parse(data)) });
  for await (const text of texts) {
    parser.feed(text);
    yield* events.splice(0);
  }
};

export type EventOptions = RequestOptions & {
  /** The number of the event after which to begin. @default 0, which is before the first */
  readonly after?: number | undefined;
};

/** See `Edgefold.events`. */
export const watchEvents = async function* (
  client: ApiClient,
  id: string,
  { after = 0, signal }: EventOptions,
): AsyncGenerator<JournalEvent> {
  const path = { id };
  let last = after;
  let isOver = false;
  // Nobody waits for a server that has never answered.
  let triesLeft = 0;

  const connect = async (): Promise<AsyncIterable<JournalEvent>> => {
    const header = { "Last-Event-ID": String(last) };
    const accept = { Accept: "text/event-stream" };
    const answer = await repeatably(
      async () =>
        client.GET("/api/v1/jobs/{id}/events", {
          params: { path, header },
          headers: accept,
          parseAs: "stream",
          signal,
        }),
      { signal },
    );
    return parseEvents(readText(answer.data, { signal, silenceMs }));
  };

  for (;;) {
    try {
      const events = await connect();
      triesLeft = mostTries;
      for await (const event of events) {
        if (event.id <= last) continue;
        last = event.id;
        if (event.kind === "job") isOver = isEnded(event.status);
        yield event;
      }
      if (isOver) return;
      // A stream also ends when the server is restarted. If the job has ended, the next stream has all that is left.
      const job = await repeatably(async () => client.GET("/api/v1/jobs/{id}", { params: { path }, signal }), {
        signal,
      });
      isOver = isEnded(dataOf(job).status);
      if (!isOver) await sleep(backoffMs(0, pauses), signal);
    } catch (error) {
      if (!isTransient(error) || triesLeft === 0) throw error;
      const pause = backoffMs(mostTries - triesLeft, pauses);
      triesLeft -= 1;
      await sleep(Math.max(pause, (error.retryAfterSeconds ?? 0) * 1000), signal);
    }
  }
};

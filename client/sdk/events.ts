import { createParser } from "eventsource-parser";
import { backoffMs, type BackoffTimes } from "../../shared/backoff.ts";
import { isEnded } from "../../shared/status.ts";
import { EdgefoldError } from "./error.ts";
import { dataOf, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import { sleep } from "./sleep.ts";
import { readText } from "./text.ts";
import type { JournalEvent } from "./types.ts";

/** Streams the events of a job, reconnecting as often as necessary. */

/** Silence after which a connection counts as lost. The server sends a heartbeat at least every 15 s. */
const silenceMs = 45_000;

/** The waits before reconnecting. */
export const pauses: BackoffTimes = { floorMs: 1000, stepMs: 1000, capMs: 30_000 };

/** The maximum number of consecutive failed attempts to reconnect: about ten minutes. */
const mostTries = 40;

/** Parses server-sent events until the stream ends. They are not validated: the server builds them from its own schema. */
const parseEvents = async function* (texts: AsyncIterable<string>): AsyncGenerator<JournalEvent> {
  const events: JournalEvent[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(JSON.parse(data)) });
  for await (const text of texts) {
    parser.feed(text);
    yield* events.splice(0);
  }
};

export type EventOptions = RequestOptions & {
  /** Yields only events after the one with this id. @default 0, before the first */
  readonly after?: number | undefined;
  /** Called when the connection is made, and when it is lost; then it is tried again. */
  readonly onConnection?: ((isConnected: boolean) => void) | undefined;
};

/** See `Edgefold.events`. */
export const watchEvents = async function* (
  client: ApiClient,
  id: string,
  { after = 0, onConnection, signal }: EventOptions,
): AsyncGenerator<JournalEvent> {
  const path = { id };
  let last = after;
  let isOver = false;
  // A server that has never answered is not retried.
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
      onConnection?.(true);
      triesLeft = mostTries;
      for await (const event of events) {
        if (event.id <= last) continue;
        last = event.id;
        if (event.kind === "job") isOver = isEnded(event.status);
        yield event;
      }
      if (isOver) return;
      onConnection?.(false);
      // A stream also ends when the server restarts. If the job has ended, the next stream contains all remaining events.
      const job = await repeatably(async () => client.GET("/api/v1/jobs/{id}", { params: { path }, signal }), {
        signal,
      });
      isOver = isEnded(dataOf(job).status);
      if (!isOver) await sleep(backoffMs(0, pauses), signal);
    } catch (error) {
      onConnection?.(false);
      if (!(error instanceof EdgefoldError) || !error.isTransient || triesLeft === 0) throw error;
      const pause = backoffMs(mostTries - triesLeft, pauses);
      triesLeft -= 1;
      await sleep(Math.max(pause, (error.retryAfterSeconds ?? 0) * 1000), signal);
    }
  }
};

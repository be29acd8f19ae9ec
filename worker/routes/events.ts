import { z } from "zod";
import { EventSchema } from "../../shared/api/events.ts";
import type { JobApi } from "../contracts.ts";
import { jobOf } from "../env.ts";
import { check } from "../http/body.ts";
import { exampleEvent } from "../http/examples.ts";
import type { Inbox } from "../http/inbox.ts";
import { listAnswer, pageParameters, respondWithList } from "../http/lists.ts";
import { arrayOf } from "../http/operation.ts";
import { streamPieces } from "../http/pieces.ts";
import { param, type Call, type Resource } from "../http/resource.ts";
import { eventsAfter, eventStreamOf, lastIdOf } from "../platform/event-stream.ts";
import { askJob, jobParameter } from "./ask-job.ts";
import { watchJob } from "./watch-job.ts";

/** The events of a job, as they come (HTML standard, "Server-sent events") or as a list. */

/** After this time without an event, in ms, those who read are shown that the connection is there. */
const heartbeatMs = 15_000;

/** Stored events that are read at a time. */
const pageSize = 200;

const eventNumber = /^\d{1,15}$/;
const NumberSchema = z.string().regex(eventNumber, "must be the number of an event").transform(Number);

const StreamSchema = z.object({
  after: NumberSchema.default(0),
  "Last-Event-ID": NumberSchema.optional(),
  limit: z.never("is for lists: send 'Accept: application/json' with it").optional(),
});

/**
 * The events after number `last` in the form of a stream, the stored ones first. What comes meanwhile waits in the inbox; where
 * that is too much, as the client is slow, it is read from what is stored instead.
 */
const readEvents = async function* (
  job: DurableObjectStub<JobApi>,
  inbox: Inbox,
  last: number,
): AsyncGenerator<string> {
  const readStored = async function* (): AsyncGenerator<string> {
    for (let isLast = false; !isLast;) {
      const page = await job.events(last, pageSize);
      const text = eventStreamOf(page?.items ?? []);
      last = lastIdOf(text) ?? last;
      yield text;
      isLast = page === null || page.next === null;
    }
  };
  yield* readStored();
  for (;;) {
    const messages = inbox.take();
    if (messages === "dropped") yield* readStored();
    else if (messages.length > 0) {
      const text = eventsAfter(messages.join(""), last);
      last = lastIdOf(text) ?? last;
      yield text;
    } else if (inbox.isOver) return;
    else if (!(await inbox.wait(heartbeatMs))) yield ": still here\n\n";
  }
};

const wantsList = ({ headers }: Request): boolean => {
  const accepted = headers.get("Accept") ?? "";
  return accepted.includes("application/json") && !accepted.includes("text/event-stream");
};

const getEvents = async (call: Call): Promise<Response> => {
  const { request, url, env } = call;
  if (wantsList(request)) {
    return await respondWithList(url, async (after, limit) => {
      const number = check(NumberSchema, after ?? "0");
      return await askJob(call, async (job) => await job.events(number, limit));
    });
  }
  const last = request.headers.get("Last-Event-ID") ?? undefined;
  const query = check(StreamSchema, { ...Object.fromEntries(url.searchParams), "Last-Event-ID": last });
  // Before anything is read, so that nothing is missed in between.
  const inbox = await watchJob(call, "events");
  const events = readEvents(jobOf(env, param(call, "id")), inbox, query["Last-Event-ID"] ?? query.after);
  return new Response(
    streamPieces(events, () => inbox.close()),
    { headers: { "Content-Type": "text/event-stream" } },
  );
};

const numberText = { type: "string", pattern: eventNumber.source };

const answer = {
  ...listAnswer(
    "Events as they happen, the oldest first, in the form of server-sent events: `id` is the event's number, `event` its kind, `data` an `Event`. " +
      "The answer ends when the job has ended and everything was sent. With `Accept: application/json`, a list of what there is.",
    EventSchema,
  ),
  content: {
    "text/event-stream": { schema: { type: "string", examples: [eventStreamOf([JSON.stringify(exampleEvent)])] } },
    "application/json": { schema: arrayOf(EventSchema) },
  },
};

export const eventResources: readonly Resource[] = [
  {
    path: "/api/v1/jobs/:id/events",
    audience: "api",
    parameters: [jobParameter],
    methods: {
      GET: {
        operation: {
          id: "listEvents",
          summary: "Watch what happens to a job",
          parameters: [
            ...pageParameters.map((each) => (each.name === "after" ? { ...each, schema: numberText } : each)),
            {
              name: "Last-Event-ID",
              in: "header",
              description: "The number of the event that was read last, as browsers send it; it goes before `after`",
              schema: numberText,
            },
          ],
          responses: { "200": answer },
          problems: ["too-many-watchers"],
        },
        handle: getEvents,
      },
    },
  },
];

import { z } from "zod";
import type { Attempt } from "../../shared/api/attempts.ts";
import { jobOf } from "../env.ts";
import { check } from "../http/body.ts";
import { readBytes, requireLength } from "../http/chunks.ts";
import { pathParameter } from "../http/operation.ts";
import { ProblemError } from "../http/problems.ts";
import { byteRangeOf } from "../http/ranges.ts";
import { param, type Call, type Resource } from "../http/resource.ts";
import { streamPieces } from "../http/pieces.ts";
import { maxLogBytes, readWholeLog, removeLog, storeLog, type StoredLog } from "../logs/attempt-logs.ts";
import { followLog } from "../logs/followed-log.ts";
import { attemptParameters, requireAttempt } from "./tasks.ts";
import { watchJob } from "./watch-job.ts";

/** The logs of attempts: what their programs have written to standard error. */

const maxNumber = 999_999_999_999_999;

const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, `must be a whole number of at most ${maxNumber}`)
  .transform(Number);

const logAnswer = (description: string): object => ({
  description,
  content: { "text/plain": { schema: { type: "string", examples: ["reading line 3000\n"] } } },
});

const LogQuerySchema = z.object({
  tail: wholeNumber.optional(),
  follow: z.enum(["true", "false"], "must be true or false").optional(),
});
const PutQuerySchema = z.object({ length: wholeNumber });

const newline = 0x0a;

/** Where the last `lines` lines begin, or all lines where it is undefined. */
const startOfTail = (log: Uint8Array, lines: number | undefined): number => {
  if (lines === undefined) return 0;
  if (lines === 0) return log.length;
  let end = log.at(-1) === newline ? log.length - 1 : log.length;
  for (let n = 0; n < lines; n++) {
    // A search from below 0 would begin at the end.
    if (end <= 0) return 0;
    end = log.lastIndexOf(newline, end - 1);
  }
  return end + 1;
};

const getLog = async (call: Call): Promise<Response> => {
  const { tail, follow } = check(LogQuerySchema, Object.fromEntries(call.url.searchParams));
  const attempt = await requireAttempt(call);
  const id = `${param(call, "task")}-${attempt.number}`;
  const read = async (asked: Attempt): Promise<StoredLog> =>
    await readWholeLog(call.env.ARTIFACTS, param(call, "id"), { ...asked, id });
  const type = { "Content-Type": "text/plain; charset=utf-8" };
  if (follow === "true") {
    const inbox = await watchJob(call, id);
    const log = followLog(
      inbox,
      async () => await read(await requireAttempt(call)),
      (text) => startOfTail(text, tail),
    );
    return new Response(
      streamPieces(log, () => inbox.close()),
      // Else what compresses it on its way to the client keeps lines back until there are more of them.
      { headers: { ...type, "Content-Encoding": "identity" } },
    );
  }
  const { text } = await read(attempt);
  const log = text.subarray(startOfTail(text, tail));
  const headers = { ...type, "Accept-Ranges": "bytes" };
  const range = byteRangeOf(call.request.headers.get("Range"), log.length);
  if (range === undefined) return new Response(log, { headers });
  if (range === "unsatisfiable") {
    throw new ProblemError("range-not-satisfiable", `The log has ${log.length} bytes.`, {
      headers: { "Content-Range": `bytes */${log.length}` },
    });
  }
  const { first, last } = range;
  return new Response(log.subarray(first, last + 1), {
    status: 206,
    headers: { ...headers, "Content-Range": `bytes ${first}-${last}/${log.length}` },
  });
};

const putLog = async (call: Call): Promise<Response> => {
  const { request, env } = call;
  const { length } = check(PutQuerySchema, Object.fromEntries(call.url.searchParams));
  const [id, attempt] = [param(call, "id"), param(call, "attempt")];
  const unknown = new ProblemError("unknown-attempt", `Job ${id} has no attempt '${attempt}'.`);
  if (!attempt.startsWith(`${id}-`) || request.body === null) throw unknown;
  requireLength(request, maxLogBytes);
  await storeLog(env.ARTIFACTS, id, attempt, await readBytes(request.body, maxLogBytes), length);
  // After the log, so that whoever is told of it finds it; a job that was removed meanwhile leaves none.
  if (!(await jobOf(env, id).noteLog(attempt, length))) {
    await removeLog(env.ARTIFACTS, id, attempt);
    throw unknown;
  }
  return new Response(null, { status: 204 });
};

export const logResources: readonly Resource[] = [
  {
    path: "/api/v1/jobs/:id/tasks/:task/attempts/:attempt/log",
    audience: "api",
    parameters: attemptParameters,
    methods: {
      GET: {
        operation: {
          id: "getLog",
          summary: "Get what an attempt's program has written to standard error",
          parameters: [
            {
              name: "tail",
              in: "query",
              description: "Only so many lines, the last ones",
              schema: { type: "integer", minimum: 0, maximum: maxNumber },
            },
            {
              name: "follow",
              in: "query",
              description:
                "`true`: after what there is, what is written from then on, until the attempt has ended; with `tail`, after " +
                "the last lines. What is written faster than it can be sent is left out, with a line that says so.",
              schema: { enum: ["true", "false"] },
            },
            {
              name: "Range",
              in: "header",
              description: "A range of bytes (RFC 9110). Ignored with `follow`.",
              schema: { type: "string" },
            },
          ],
          responses: {
            "200": logAnswer("The log: its beginning and its end, with a line that says what is left out between"),
            "206": logAnswer("The bytes of the log that the header `Range` asks for"),
          },
        },
        handle: getLog,
      },
    },
  },
];

export const runnerLogResources: readonly Resource[] = [
  {
    path: "/api/v1/jobs/:id/attempts/:attempt/log",
    audience: "runner",
    parameters: [pathParameter("id", "The job's id"), pathParameter("attempt", "The attempt's id", "unknown-attempt")],
    methods: {
      PUT: {
        operation: {
          id: "putLog",
          summary: "Keep the log of an attempt, in place of an earlier state of it",
          parameters: [
            {
              name: "length",
              in: "query",
              required: true,
              description: "Bytes of the whole log, also of what is left out",
              schema: { type: "integer", minimum: 0, maximum: maxNumber },
            },
          ],
          requestBody: {
            required: true,
            content: { "application/gzip": { schema: { type: "string", format: "binary" } } },
          },
          responses: { "204": { description: "The log is kept" } },
        },
        handle: putLog,
      },
    },
  },
];

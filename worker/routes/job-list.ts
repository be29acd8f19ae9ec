import { z } from "zod";
import { JobSchema, type Job } from "../../shared/api/jobs.ts";
import { tagKey, tagKeyAdvice } from "../../shared/api/labels.ts";
import { withOutputUrls } from "../../shared/outputs.ts";
import { jobStatuses } from "../../shared/status.ts";
import type { JobFilter } from "../contracts.ts";
import { registryOf } from "../env.ts";
import { check } from "../http/body.ts";
import { listAnswer, loadFirst, PageQuerySchema, pageParameters, streamList } from "../http/lists.ts";
import type { Call, Endpoint } from "../http/resource.ts";

/** The list of jobs. */

const anyStatus = `(${jobStatuses.join("|")})`;
const StatusesSchema = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(z.enum(jobStatuses, `must be some of ${jobStatuses.join(", ")}, separated by commas`)));

const tagForm = new RegExp(tagKey.source.replace("$", ":"));
const TagSchema = z
  .string()
  .regex(tagForm, `must be a key and a value, such as team:search; the key ${tagKeyAdvice}`)
  .transform((text) => [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)] as const);

const timeAdvice = "must be a time such as 2030-12-31, 2030-12-31T23:59:59Z, or milliseconds since 1970";
const day = String.raw`\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`;
const hourAndMinute = String.raw`([01]\d|2[0-3]):[0-5]\d`;
const timeOfDay = String.raw`T${hourAndMinute}(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]${hourAndMinute})`;
const timeForm = new RegExp(String.raw`^(\d{1,15}|${day}(${timeOfDay})?)$`);

/** A time in ms since 1970, or as RFC 3339 writes it. */
const TimeSchema = z
  .string()
  .regex(timeForm, timeAdvice)
  .transform((text) => (/^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text)))
  .refine((time) => Number.isSafeInteger(time), timeAdvice);

const FilterSchema = z.object({
  status: StatusesSchema.optional(),
  name: z.string().optional(),
  program: z.string().optional(),
  submittedBy: z.string().optional(),
  cluster: z.string().optional(),
  since: TimeSchema.optional(),
  until: TimeSchema.optional(),
});

const QuerySchema = PageQuerySchema.extend(FilterSchema.shape).extend({ tag: z.array(TagSchema) });

/**
 * A stored job with the URLs of its outputs. Snapshots are our own words, so not parsed by their schema: that would take
 * longer than all else of a long list. Those of release 0.1.0 lack what came later.
 */
const showSnapshot = (snapshot: string): string => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was a Job when it was stored
  const job = JSON.parse(snapshot) as Job;
  const shown = withOutputUrls(job);
  if (shown === job && "tags" in job) return snapshot;
  return JSON.stringify(Object.assign({ name: null, tags: {}, rerunOf: null, programs: null }, shown));
};

const handle = async ({ request, url, env }: Call): Promise<Response> => {
  const query = Object.fromEntries(url.searchParams);
  const { limit, after, status, tag, ...same } = check(QuerySchema, { ...query, tag: url.searchParams.getAll("tag") });
  const filter: JobFilter = { ...same, statuses: status, tags: tag };
  const known = request.headers.get("If-None-Match")?.split(/\s*,\s*/) ?? [];
  const load = async (from: string | null, most: number) => await registryOf(env).listJobs(filter, from, most);
  const first = await loadFirst({ limit, after }, load);
  const headers = { ETag: `W/"${first.version}"` };
  if (known.includes(headers.ETag)) return new Response(null, { status: 304, headers });
  return streamList(url, { limit, after }, first, load, { finish: showSnapshot, headers });
};

const parameter = (name: string, description: string, schema: object = { type: "string" }) => ({
  name,
  in: "query" as const,
  description,
  schema,
});

export const listJobs: Endpoint = {
  operation: {
    id: "listJobs",
    summary: "List jobs",
    parameters: [
      ...pageParameters,
      parameter("status", `Only jobs of this status, or of these: ${jobStatuses.join(", ")}, separated by commas`, {
        type: "string",
        pattern: `^${anyStatus}(,${anyStatus})*$`,
      }),
      parameter("name", "Only jobs that have this in their name, in any case"),
      parameter("tag", "Only jobs with this tag, as `key:value`; with several, jobs that have all of them", {
        type: "array",
        items: { type: "string", pattern: tagForm.source },
      }),
      parameter("program", "Only jobs with a program of this name"),
      parameter("submittedBy", "Only jobs that were posted with the token of this name"),
      parameter("cluster", "Only jobs of this cluster"),
      parameter("since", "Only jobs that were posted then or later: a time of RFC 3339, or milliseconds since 1970", {
        type: "string",
        pattern: timeForm.source,
      }),
      parameter("until", "Only jobs that were posted before", { type: "string", pattern: timeForm.source }),
      {
        name: "If-None-Match",
        in: "header",
        description:
          "The `ETag` of an earlier answer to the same query. Where nothing has changed since, the answer is 304.",
        schema: { type: "string" },
      },
    ],
    responses: {
      "200": listAnswer(
        "Jobs, newest first. With filters, a page can have fewer than `limit` though others follow.",
        JobSchema,
      ),
      "304": { description: "Nothing has changed since the answer whose `ETag` was sent" },
    },
  },
  handle,
};

import { z } from "zod";
import { addressIssues, isEndpoint } from "../address-issues.ts";
import { ArtifactNameSchema } from "./artifacts.ts";
import { StorageAccessSchema } from "./storage-access.ts";
import { inputCompressions } from "../compression.ts";
import { defaultMaxLosses, maxTasks } from "../limits.ts";
import { ClusterNameSchema, podFields } from "../pods.ts";
import { InputHeadersSchema, OutputHeadersSchema } from "../storage-headers.ts";

const AddressTextSchema = z.string().min(1, "must not be empty").max(4096);
const PositiveSchema = z.int().min(1, "must be 1 or more");
/** A year. */
const mostSeconds = 366 * 24 * 60 * 60;
const SecondsSchema = PositiveSchema.max(mostSeconds, "must be at most a year");

export const JobRequestSchema = z
  .strictObject({
    inputPath: AddressTextSchema.describe("URL of one object, a prefix ending in '/', or a glob"),
    inputType: z.literal("file/txt").default("file/txt"),
    inputCompression: z
      .enum(inputCompressions)
      .optional()
      .describe(
        "By default, auto: objects that end in .gz, .zst or .bz2 are decompressed, and other binary ones fail the job. none: the bytes " +
          "of all are read as they are",
      ),
    outputPath: AddressTextSchema.describe(
      "URL under which the output appears; without a bucket it is the bucket 'reducers'",
    ),
    s3Endpoint: z
      .string()
      .max(4096)
      .refine(isEndpoint, "must be a URL such as https://host:9000, without credentials or a query")
      .optional()
      .describe(
        "URL of the endpoint of addresses that name none, s3://bucket/key; by default what the runners' AWS variables say",
      ),
    useSSL: z.boolean().default(false).describe("Whether an address without a scheme means https"),
    mapperName: ArtifactNameSchema,
    reducerName: ArtifactNameSchema.optional().describe("Left out in a map-only job"),
    combinerName: ArtifactNameSchema.optional(),
    nReducers: z
      .int()
      .min(0, "must be 0 or more")
      .max(maxTasks - 1, `must be less than ${maxTasks}`)
      .default(1)
      .describe("0 makes a map-only job"),
    splitSize: PositiveSchema.max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe("Bytes; the larger of 64 MiB and a 4096th of the input by default"),
    combineInputs: z
      .boolean()
      .default(false)
      .describe("Whether a map may read several small objects, up to splitSize bytes together, instead of one"),
    parallelism: PositiveSchema.max(maxTasks).optional().describe("Most runners of this job; unlimited by default"),
    inputStorageCredentials: StorageAccessSchema.optional(),
    outputStorageCredentials: StorageAccessSchema.optional(),
    inputStorageHeaders: InputHeadersSchema.optional().describe(
      "Sent with the requests to the input's store that take them",
    ),
    outputStorageHeaders: OutputHeadersSchema.optional().describe(
      "Sent with the requests to the output's store that take them",
    ),
    cluster: ClusterNameSchema.optional().describe("The only one, or 'default', by default"),
    deadlineSeconds: SecondsSchema.optional().describe(
      "After which the job fails, from its POST; unlimited by default",
    ),
    startTimeoutSeconds: SecondsSchema.optional().describe(
      "After which the job fails if no runner has begun it, from its POST; unlimited by default",
    ),
    maxAttempts: PositiveSchema.max(100, "must be at most 100")
      .default(4)
      .describe(
        "Failures of one task's own making after which the job fails; so many different tasks that fail alike fail it, too",
      ),
    maxLosses: PositiveSchema.max(1000, "must be at most 1000")
      // Not a default: with it, a request that is repeated after an upgrade would differ from the one that a release before has kept.
      .optional()
      .describe(
        `${defaultMaxLosses} by default. Losses of one task after which the job fails: attempts whose runner is gone, and outputs that the store has lost. Losses ` +
          "that the cluster explains, such as a drained or preempted node, do not count",
      ),
    maxFailedMapsPercent: z
      .number()
      .min(0, "must be 0 or more")
      .max(100, "must be at most 100")
      .default(0)
      .describe(
        "Of the maps, how many may fail without failing the job, which then goes without what they would have read",
      ),
    speculation: z
      .boolean()
      .default(true)
      .describe(
        "Whether a task that takes much longer than the others is run a second time by a runner that has nothing to do",
      ),
    taskTimeoutSeconds: z
      .int()
      .min(0, "must be 0 or more")
      .max(mostSeconds, "must be at most a year")
      .default(600)
      .describe("After which an attempt without any progress fails; 0 for never"),
    ...podFields,
  })
  .superRefine((request, context) => {
    const issue = (field: string, message: string): void => {
      context.addIssue({ code: "custom", path: [field], message });
    };
    if (request.nReducers > 0 && request.reducerName === undefined) {
      issue("reducerName", "is required unless nReducers is 0 (map-only)");
    }
    if (request.nReducers === 0 && request.reducerName !== undefined) {
      issue("nReducers", "is 0 (map-only) although a reducerName is given; leave one of them out");
      issue("reducerName", "is given although nReducers is 0 (map-only); leave one of them out");
    }
    if (request.nReducers === 0 && request.combinerName !== undefined) {
      issue("combinerName", "makes no sense in a map-only job (nReducers 0)");
    }
    for (const { field, message } of addressIssues(request)) issue(field, message);
  })
  .meta({ id: "JobRequest" });
export type JobRequest = z.infer<typeof JobRequestSchema>;

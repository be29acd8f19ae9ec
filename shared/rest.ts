import { z } from "zod";
import { addressIssues, isEndpoint } from "./address-issues.ts";
import { inputCompressions } from "./compression.ts";
import { CountersSchema } from "./counters.ts";
import { maxTasks } from "./limits.ts";
import { ClusterNameSchema, podFields, SecretReferenceSchema } from "./pods.ts";
import { InputHeadersSchema, OutputHeadersSchema } from "./storage-headers.ts";
import { jobStatuses, taskStatuses } from "./status.ts";

/** The REST API's bodies, schema first; the OpenAPI document is generated from these same schemas. */

const MillisecondsSchema = z.int().nonnegative().describe("Milliseconds since 1970-01-01T00:00:00Z");

export const artifactTypes = ["executable", "module"] as const;
export const ArtifactTypeSchema = z.enum(artifactTypes);
export type ArtifactType = z.infer<typeof ArtifactTypeSchema>;

/** A name that can be a file's name on every system that programs run on. */
export const ArtifactNameSchema = z
  .string()
  .min(1, "must not be empty")
  .refine((name) => new TextEncoder().encode(name).length <= 255, "must have at most 255 bytes")
  .refine((name) => name !== "." && name !== "..", "must not be '.' or '..'")
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused here
  .refine((name) => !/[/\\\u0000-\u001f\u007f]/.test(name), "must not hold '/', '\\' or control characters");

export const ArtifactSchema = z
  .object({
    name: z.string(),
    type: ArtifactTypeSchema,
    size: z.int().nonnegative().describe("Bytes"),
    hash: z.string().describe("SHA-256 of the content, lower-case hex"),
  })
  .meta({ id: "Artifact", description: "An uploaded program" });
export type Artifact = z.infer<typeof ArtifactSchema>;

/** What is sent as part of a header, as it is. */
const HeaderTextSchema = z
  .string()
  .min(1)
  .regex(/^[!-~]*$/, "must have visible ASCII characters only");

export const CredentialsSchema = z
  .strictObject({
    username: HeaderTextSchema.describe("Access key id"),
    password: z.string().min(1).describe("Secret access key"),
    sessionToken: HeaderTextSchema.optional(),
    region: HeaderTextSchema.optional().describe(
      "The one in the endpoint's name, else the one that the store asks for",
    ),
  })
  .meta({ id: "StorageCredentials" });
export type Credentials = z.infer<typeof CredentialsSchema>;

/** Credentials of a store, or where in the cluster they are. */
export const StorageAccessSchema = z.union([CredentialsSchema, SecretReferenceSchema]);
export type StorageAccess = z.infer<typeof StorageAccessSchema>;

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

const OutputLocationSchema = z.object({ location: z.string(), useSSL: z.boolean() });

const InputDataSchema = z.object({
  id: z.string(),
  path: z.string(),
  type: z.string(),
  splitStart: z.int().nonnegative().describe("First byte"),
  splitEnd: z.int().nonnegative().describe("The byte after the last one; 0 until it is known"),
});

export const FailureSchema = z
  .object({
    code: z.string().describe("The store's own code, or what kind of failure it was"),
    message: z.string(),
    taskId: z.string().nullable().describe("The task whose failure ended the job"),
  })
  .meta({ id: "Failure" });

export const TaskCountsSchema = z.object({
  total: z.int(),
  running: z.int(),
  completed: z.int(),
  failed: z.int(),
});
export type TaskCounts = z.infer<typeof TaskCountsSchema>;

const ConditionSchema = z
  .object({
    type: z.string().describe("What is the matter, one word"),
    message: z.string(),
    since: MillisecondsSchema,
  })
  .meta({ id: "Condition" });
export type Condition = z.infer<typeof ConditionSchema>;

export const JobSchema = z
  .object({
    id: z.string().describe("UUIDv7"),
    nReducers: z.int().nonnegative(),
    outputLocation: OutputLocationSchema,
    inputData: InputDataSchema,
    startTime: MillisecondsSchema,
    submittedBy: z.string().describe("The name of the token that it was posted with"),
    cluster: z.string(),
    status: z.enum(jobStatuses),
    endTime: MillisecondsSchema.nullable(),
    error: FailureSchema.nullable(),
    progress: z.object({ maps: TaskCountsSchema, reduces: TaskCountsSchema }),
    counters: CountersSchema,
    outputs: z.array(z.string()).describe("URLs of the parts, once the job is completed"),
    failedMaps: z.array(z.int()).describe("Indices of maps that failed and were tolerated (maxFailedMapsPercent)"),
    conditions: z.array(ConditionSchema).describe("What keeps the job from going on, or should be known"),
  })
  .meta({ id: "Job" });
export type Job = z.infer<typeof JobSchema>;

export const TaskSchema = z
  .object({
    id: z.string(),
    type: z.enum(["mapper", "reducer"]),
    status: z.enum(taskStatuses),
    program: ArtifactSchema,
    inputData: InputDataSchema.describe(
      "A map's object and byte range; where it reads several objects (combineInputs), the job's input path and from 0 to the " +
        "number of their bytes. A reduce's shuffle folder and bytes.",
    ),
    podName: z.string().describe("Empty until the task is claimed"),
    startTime: MillisecondsSchema.describe("When it was scheduled, then when its current attempt started"),
    attempt: z.int().nonnegative().describe("How often it was tried"),
    endTime: MillisecondsSchema.nullable(),
    message: z.string().describe("What the program last reported as its status"),
    error: FailureSchema.nullable().describe("Why the last failed attempt failed"),
    counters: CountersSchema,
  })
  .meta({ id: "Task" });
export type Task = z.infer<typeof TaskSchema>;

export const ClusterSchema = z
  .object({
    name: z.string(),
    connected: z.boolean(),
    version: z.string().nullable().describe("Of the agent that was here last"),
    launcher: z.string().nullable().describe("How it starts runners"),
    capacity: z.int().nullable().describe("Most runners at a time, over all jobs"),
    lastContact: MillisecondsSchema.nullable(),
    problem: z.string().nullable().describe("Why an agent was refused, or what does not fit"),
  })
  .meta({ id: "Cluster" });
export type Cluster = z.infer<typeof ClusterSchema>;

export const ProblemSchema = z
  .object({
    type: z.string().describe("Stable identifier of the kind of problem"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem", description: "RFC 9457" });
export type Problem = z.infer<typeof ProblemSchema>;

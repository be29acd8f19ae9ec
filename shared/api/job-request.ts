import { z } from "zod";
import { addressIssues, isEndpoint } from "../address-issues.ts";
import { ArtifactNameSchema } from "./artifacts.ts";
import { JobNameSchema, TagsSchema } from "./labels.ts";
import { NotifySchema } from "./notification.ts";
import { clashesOf, PlacementsSchema } from "./placements.ts";
import { StorageAccessSchema } from "./storage-access.ts";
import { WasmMemorySchema, wasmMemoryOf } from "./wasm-memory.ts";
import { aggregates } from "../builtin-programs.ts";
import { inputCompressions } from "../compression.ts";
import { defaultMaxLosses, maxTasks } from "../limits.ts";
import { ClusterNameSchema, parseQuantity, podFields, SecretEnvironmentSchema } from "../pods.ts";
import { ArgsSchema, EnvironmentSchema } from "../program-settings.ts";
import { InputHeadersSchema, OutputHeadersSchema } from "../storage-headers.ts";

/** The beginning of an address that has a scheme or a host, for those who check by the OpenAPI document; `addressIssues` has all the rules. */
const addressForm = "^([^/]+[.:]|localhost)";
const AddressTextSchema = z.string().min(1, "must not be empty").max(4096).meta({ pattern: addressForm });
const PositiveSchema = z.int().min(1, "must be 1 or more");
/** A year. */
const mostSeconds = 366 * 24 * 60 * 60;
/** 7 days: a store charges for the shuffle as long as it is kept. */
const mostKeptSeconds = 7 * 24 * 60 * 60;
const SecondsSchema = PositiveSchema.max(mostSeconds, "must be at most a year");

export const JobRequestSchema = z
  .strictObject({
    name: JobNameSchema.optional().describe("What people call the job; need not be unique"),
    tags: TagsSchema.optional().describe("By which jobs can be found: texts by keys"),
    inputPath: AddressTextSchema.describe("URL of an object, of a prefix that ends in '/', or a glob"),
    inputType: z.literal("file/txt").default("file/txt"),
    inputCompression: z
      .enum(inputCompressions)
      .optional()
      .describe(
        "auto (the default): objects whose names end in .gz, .zst or .bz2 are decompressed, and other binary objects fail the job. " +
          "none: all objects are read as they are.",
      ),
    outputPath: AddressTextSchema.describe(
      "URL under which the output is written. If it names no bucket, the bucket is 'reducers'.",
    ),
    s3Endpoint: z
      .string()
      .max(4096)
      .refine(isEndpoint, "must be a URL such as https://host:9000, without credentials or a query")
      .meta({ pattern: "^https?://[^/?#@]+(/[^?#]*)?$" })
      .optional()
      .describe(
        "URL of the endpoint for addresses without one (s3://bucket/key). By default, the runners' AWS variables decide.",
      ),
    useSSL: z.boolean().default(false).describe("Whether an address without a scheme is https"),
    mapperName: ArtifactNameSchema.describe("Name of an artifact, or `identity`, which passes on each record as it is"),
    reducerName: ArtifactNameSchema.optional().describe(
      "Likewise. Required unless the job is map-only or has an aggregate",
    ),
    combinerName: ArtifactNameSchema.optional(),
    aggregate: z
      .enum(aggregates)
      .optional()
      .describe(
        "How the values of each key are combined, in place of a reducer and a combiner. sum, min, max: they must be decimal integers " +
          "of 64 bits. count: the number of values. first: the first value. uniq: the key without a value.",
      ),
    mapperArgs: ArgsSchema.optional().describe("Arguments of the mapper; a module finds them in context.args"),
    reducerArgs: ArgsSchema.optional(),
    combinerArgs: ArgsSchema.optional(),
    environment: EnvironmentSchema.optional().describe(
      "Variables for all programs. They are shown to whoever sees the job, so that secrets do not belong here.",
    ),
    secretEnvironment: SecretEnvironmentSchema.optional().describe(
      "Likewise, with values that are keys of Secrets in the jobs' namespace; where runners are pods",
    ),
    files: PlacementsSchema.optional().describe(
      "Artifacts that lie in the working directory of all programs: names, or objects that also say `as` what",
    ),
    archives: PlacementsSchema.optional().describe(
      "Likewise, of the type `archive`: each is a directory there, with what it holds",
    ),
    nReducers: z
      .int()
      .min(0, "must be 0 or more")
      .max(maxTasks - 1, `must be less than ${maxTasks}`)
      .default(1)
      .describe("Reduce tasks. 0 makes the job map-only."),
    splitSize: PositiveSchema.max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe("Bytes of input a map. By default, about the larger of 64 MiB and 1/4096 of the input."),
    combineInputs: z
      .boolean()
      .default(false)
      .describe("Whether a map reads several small objects, up to splitSize bytes together"),
    parallelism: PositiveSchema.max(maxTasks)
      .optional()
      .describe("The most runners of this job at a time. Unlimited by default."),
    inputStorageCredentials: StorageAccessSchema.optional(),
    outputStorageCredentials: StorageAccessSchema.optional(),
    inputStorageHeaders: InputHeadersSchema.optional().describe(
      "Sent with those requests to the input's store that accept them",
    ),
    outputStorageHeaders: OutputHeadersSchema.optional().describe(
      "Sent with those requests to the output's store that accept them",
    ),
    cluster: ClusterNameSchema.optional().describe("By default the only cluster, or the one named 'default'"),
    deadlineSeconds: SecondsSchema.optional().describe(
      "Seconds from the POST after which the job fails. Unlimited by default.",
    ),
    startTimeoutSeconds: SecondsSchema.optional().describe(
      "Seconds from the POST after which the job fails if no runner has started on it. Unlimited by default.",
    ),
    maxAttempts: PositiveSchema.max(100, "must be at most 100")
      .default(4)
      .describe(
        "Failures of one task after which the job fails. It also fails when that many different tasks fail in the same way.",
      ),
    maxLosses: PositiveSchema.max(1000, "must be at most 1000")
      // Not a default: with it, a request that is repeated after an upgrade would differ from the one that a release before has kept.
      .optional()
      .describe(
        `${defaultMaxLosses} by default. Losses of one task after which the job fails: attempts whose runner is gone, and outputs that the store has lost. Losses ` +
          "that the cluster explains, such as a drained or preempted node, do not count",
      ),
    keepFailedSeconds: z
      .int()
      .min(0, "must be 0 or more")
      .max(mostKeptSeconds, "must be at most 7 days")
      .optional()
      .describe(
        "0 by default. Seconds for which what a failed job has computed is kept, with its programs and credentials, so that it can be resumed",
      ),
    maxFailedMapsPercent: z
      .number()
      .min(0, "must be 0 or more")
      .max(100, "must be at most 100")
      .default(0)
      .describe("Share of the maps that can fail without failing the job, which then leaves out their input"),
    speculation: z
      .boolean()
      .default(true)
      .describe("Whether an idle runner runs a second attempt of a task that takes much longer than the others"),
    taskTimeoutSeconds: z
      .int()
      .min(0, "must be 0 or more")
      .max(mostSeconds, "must be at most a year")
      .default(600)
      .describe("Seconds without progress after which an attempt fails. 0 for never."),
    wasmMemory: WasmMemorySchema.optional().describe(
      "The most memory of a program in WebAssembly, such as 512Mi. By default, a quarter of the runner's.",
    ),
    logs: z
      .boolean()
      .optional()
      .describe("true by default. Whether what programs write to standard error is kept with each attempt"),
    notify: NotifySchema.optional().describe("Whom to notify when the job has ended"),
    ...podFields,
  })
  .superRefine((request, context) => {
    const issue = (field: string, message: string, ...below: (string | number)[]): void => {
      context.addIssue({ code: "custom", path: [field, ...below], message });
    };
    const { aggregate } = request;
    if (request.nReducers > 0 && request.reducerName === undefined && aggregate === undefined) {
      issue("reducerName", "is required unless there is an aggregate or nReducers is 0 (map-only)");
    }
    if (aggregate !== undefined) {
      if (request.nReducers === 0) issue("aggregate", "makes no sense in a map-only job (nReducers 0)");
      for (const field of ["reducerName", "combinerName"] as const) {
        if (request[field] !== undefined)
          issue(field, "is given although the aggregate takes its place; leave one of them out");
      }
    }
    if (request.nReducers === 0 && request.reducerName !== undefined) {
      issue("nReducers", "is 0 (map-only) although a reducerName is given; leave one of them out");
      issue("reducerName", "is given although nReducers is 0 (map-only); leave one of them out");
    }
    for (const role of ["reducer", "combiner"] as const) {
      if (request[`${role}Args`] !== undefined && request[`${role}Name`] === undefined) {
        issue(`${role}Args`, `is given although no ${role}Name is`);
      }
    }
    if (request.nReducers === 0 && request.combinerName !== undefined) {
      issue("combinerName", "makes no sense in a map-only job (nReducers 0)");
    }
    for (const name of Object.keys(request.secretEnvironment ?? {})) {
      if (Object.hasOwn(request.environment ?? {}, name)) {
        issue("secretEnvironment", "is given in environment, too; leave one of them out", name);
      }
    }
    const podMemory = request.resources?.memory;
    if (podMemory !== undefined && (wasmMemoryOf(request) ?? 0) > parseQuantity(podMemory)) {
      issue(
        "wasmMemory",
        `is more than resources.memory, ${podMemory}, which it is part of: raise that, or lower this`,
      );
    }
    const programs = [request.mapperName, request.reducerName, request.combinerName].filter(
      (name) => name !== undefined,
    );
    for (const { field, index, message } of clashesOf(request, programs)) issue(field, message, index);
    for (const { field, message } of addressIssues(request)) issue(field, message);
  })
  .meta({ id: "JobRequest" });
export type JobRequest = z.infer<typeof JobRequestSchema>;

export const JobChangesSchema = z
  .record(z.string(), z.unknown())
  .meta({ id: "JobChanges", description: "Fields of a JobRequest; null takes one away" });

import { z } from "zod";
import { inputCompressions } from "./compression.ts";
import { ReportedCountersSchema } from "./counters.ts";
import { maxRanges } from "./limits.ts";
import { PodOptionsSchema } from "./pods.ts";
import { ArtifactSchema, StorageAccessSchema } from "./rest.ts";
import { cleanText } from "./text.ts";

/**
 * What is said over the links that agents and runners dial to the Worker.
 *
 * A peer sends requests, each with an `id` of its own that the answer repeats as `re`; a request that was not answered is
 * sent again after a reconnection, so every request may arrive twice and must mean the same then. The Worker pushes notices
 * (without `re`) as well; one that is lost is made up for by the answer to the next `hello`.
 */

/**
 * Both ends must speak the same version; it changes with every change that an older end would misread. A field that may be left
 * out, and that an end may do without, is none: an older end takes no notice of it.
 */
export const protocolVersion = 4;

/** Heartbeats: answered by the platform without waking the object. */
export const pingText = "ping";
export const pongText = "pong";

const Id = z.int().nonnegative();
/** Cut, not refused, where it is too long: it may come from a program. */
const Text = z.string().transform((text) => text.slice(0, 65_536));
/** Most UTF-16 units of a status, as Hadoop's `mapreduce.task.max.status.length`. */
export const maxStatus = 512;
const Status = z.string().transform((text) => cleanText(text, maxStatus));
/** Also the name of a directory. */
const JobId = z.string().regex(/^[0-9A-Za-z-]{1,64}$/);
/** Also in the names of files and objects. */
const AttemptId = z.string().regex(/^[0-9A-Za-z-]{1,200}$/);
const Index = z.int().nonnegative();
const Bytes = z.int().nonnegative();

// ---------------------------------------------------------------- runner

const ProgramRefSchema = ArtifactSchema;
export const programRoles = ["mapper", "reducer", "combiner"] as const;
export const ProgramRoleSchema = z.enum(programRoles);
export type ProgramRole = z.infer<typeof ProgramRoleSchema>;

/** A store of a job, and what it takes to use it. `headers` are sent along with its requests. */
const JobStoreSchema = z.object({
  path: z.string(),
  credentials: StorageAccessSchema.optional(),
  headers: z.record(z.string(), z.string()).optional(),
});

/** All that a runner must know of its job. Credentials and headers are in clear: this goes to a runner of that very job only. */
const RunnerJobSchema = z.object({
  jobId: JobId,
  input: JobStoreSchema.extend({ compression: z.enum(inputCompressions).optional() }),
  output: JobStoreSchema,
  useSSL: z.boolean(),
  /** The endpoint of addresses that name none. */
  s3Endpoint: z.string().optional(),
  nReducers: Index,
  /** After which an attempt without any progress is to fail; 0 for never. */
  taskTimeoutSeconds: z.int().nonnegative(),
  programs: z.object({
    mapper: ProgramRefSchema,
    reducer: ProgramRefSchema.optional(),
    combiner: ProgramRefSchema.optional(),
  }),
});
export type RunnerJob = z.infer<typeof RunnerJobSchema>;

/** An output that is to become visible: `tags` are those of its upload's parts, in order. An empty output has neither parts nor upload. */
const PendingOutputSchema = z.object({
  index: Index,
  attempt: AttemptId,
  path: z.string(),
  uploadId: z.string(),
  tags: z.array(z.string()),
});
export type PendingOutput = z.infer<typeof PendingOutputSchema>;

/** The bytes `[start, end)` of an object of `size` bytes, as it was when it was listed: `{start: 0, end: 3}` is its first 3. */
const InputRangeSchema = z.object({ path: z.string(), size: Bytes, etag: z.string(), start: Bytes, end: Bytes });
export type InputRange = z.infer<typeof InputRangeSchema>;

/** What one map reads, in this order: a range of one object, or of several where inputs are combined. */
export const MapInputSchema = z.array(InputRangeSchema).min(1).max(maxRanges);
export type MapInput = z.infer<typeof MapInputSchema>;

const assignment = { taskId: z.string(), attempt: AttemptId, index: Index };
const AssignmentSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("plan"), ...assignment }),
  z.object({ kind: z.literal("map"), ...assignment, input: MapInputSchema }),
  z.object({ kind: z.literal("reduce"), ...assignment }),
  z.object({ kind: z.literal("commit"), ...assignment, outputs: z.array(PendingOutputSchema) }),
  z.object({ kind: z.literal("success"), ...assignment }),
  z.object({ kind: z.literal("clean"), ...assignment, removeOutputs: z.boolean() }),
]);
export type Assignment = z.infer<typeof AssignmentSchema>;

/**
 * Where a map's shuffle object holds the segment of each partition: `lengths[r]` bytes, one segment after another. Reading any
 * of them takes as much memory as its largest block.
 */
const MapOutputSchema = z.object({ path: z.string(), lengths: z.array(Bytes), largestBlock: Bytes });
export type MapOutput = z.infer<typeof MapOutputSchema>;

const UploadedOutputSchema = z.object({
  path: z.string(),
  /** Empty where the output is, and so has no upload. */
  uploadId: z.string(),
  tags: z.array(z.string()),
  size: Bytes,
});

const ResultSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("plan") }),
  z.object({ kind: z.literal("map"), shuffle: MapOutputSchema }),
  /** A reduce, or a map of a map-only job. */
  z.object({ kind: z.literal("output"), output: UploadedOutputSchema }),
  /** `commit`, `success` and `clean`. `lost` names the outputs whose uploads the store no longer has. */
  z.object({ kind: z.literal("done"), lost: z.array(Index) }),
]);
export type Result = z.infer<typeof ResultSchema>;

const AttemptErrorSchema = z.object({
  code: z.string().max(200),
  message: Text,
  /** Whether another attempt is bound to fail in the same way, so that the job fails at once. */
  final: z.boolean(),
});
export type AttemptError = z.infer<typeof AttemptErrorSchema>;

export const PlannedObjectSchema = z.object({ path: z.string(), size: Bytes, etag: z.string() });
export type PlannedObject = z.infer<typeof PlannedObjectSchema>;

export const RunnerRequestSchema = z.discriminatedUnion("kind", [
  /** First on every connection; `attempt` is the one that the runner still works on. */
  z.object({
    kind: z.literal("hello"),
    id: Id,
    version: z.int(),
    runnerId: z.string().min(1).max(200),
    podName: z.string().min(1).max(253),
    attempt: AttemptId.nullable(),
  }),
  /** Asks for work; a runner that has an open attempt gets that one again. */
  z.object({ kind: z.literal("claim"), id: Id }),
  z.object({
    kind: z.literal("progress"),
    id: Id,
    attempt: AttemptId,
    counters: ReportedCountersSchema,
    status: Status,
  }),
  /** Tells of an upload before its first part is sent, so that it can be aborted whatever happens. */
  z.object({ kind: z.literal("upload"), id: Id, attempt: AttemptId, path: z.string(), uploadId: z.string() }),
  z.object({
    kind: z.literal("planned"),
    id: Id,
    attempt: AttemptId,
    page: Index,
    objects: z.array(PlannedObjectSchema),
  }),
  /** A reduce asks for the segments of its partition, maps from `from` on. */
  z.object({ kind: z.literal("segments"), id: Id, attempt: AttemptId, from: Index }),
  /** A clean asks for the uploads that must be aborted, those after `after`. */
  z.object({ kind: z.literal("uploads"), id: Id, attempt: AttemptId, after: Index }),
  /** `status` is what the program said last of itself; runners of release 0.1.0 leave it out. */
  z.object({
    kind: z.literal("complete"),
    id: Id,
    attempt: AttemptId,
    result: ResultSchema,
    counters: ReportedCountersSchema,
    status: Status.optional(),
  }),
  z.object({
    kind: z.literal("fail"),
    id: Id,
    attempt: AttemptId,
    error: AttemptErrorSchema,
    status: Status.optional(),
  }),
  /** A reduce could not read what map `map` had stored as attempt `mapAttempt`. */
  z.object({
    kind: z.literal("shuffle-lost"),
    id: Id,
    attempt: AttemptId,
    map: Index,
    mapAttempt: AttemptId,
    message: Text,
  }),
  /**
   * Gives an attempt back, unfinished: it was told to stop, or the runner ends. `ending`: somebody has told the runner to end, and
   * the agent will say why. `pauseSeconds`: a store is asked too often, so that the task is tried again after that time, and
   * nothing is counted; an older Worker counts a loss and tries again at once.
   */
  z.object({
    kind: z.literal("release"),
    id: Id,
    attempt: AttemptId,
    reason: Text,
    ending: z.boolean().optional(),
    pauseSeconds: z.int().positive().max(3600).optional(),
  }),
]);
export type RunnerRequest = z.infer<typeof RunnerRequestSchema>;

const Re = z.object({ re: Id });
/** With what the runner dials again, and fetches programs, from now on: for so many seconds. */
const RunnerSessionSchema = z.object({ token: z.string(), seconds: z.number().positive() });
export type RunnerSession = z.infer<typeof RunnerSessionSchema>;
/** What the runner does next. */
const NextSchema = z.discriminatedUnion("next", [
  z.object({ next: z.literal("task"), task: AssignmentSchema }),
  z.object({ next: z.literal("idle") }),
  z.object({ next: z.literal("stop"), reason: Text }),
]);
export type Next = z.infer<typeof NextSchema>;

export const SegmentRefSchema = z.object({
  map: Index,
  attempt: AttemptId,
  path: z.string(),
  offset: Bytes,
  length: Bytes,
  largestBlock: Bytes,
});
export type SegmentRef = z.infer<typeof SegmentRefSchema>;

export const RunnerAnswerSchema = z.union([
  Re.extend({
    kind: z.literal("welcome"),
    job: RunnerJobSchema,
    leaseSeconds: z.number().positive(),
    /** The open attempt is still the runner's. */
    resume: z.boolean(),
    session: RunnerSessionSchema.optional(),
  }),
  /** `session` comes long before the last one is over. */
  Re.extend({ kind: z.literal("next"), next: NextSchema, session: RunnerSessionSchema.optional() }),
  Re.extend({ kind: z.literal("done") }),
  /** The attempt is no longer the runner's: it must end it and tell nobody. */
  Re.extend({ kind: z.literal("fenced"), reason: Text }),
  Re.extend({ kind: z.literal("segments"), segments: z.array(SegmentRefSchema), nextFrom: Index.nullable() }),
  Re.extend({
    kind: z.literal("uploads"),
    uploads: z.array(z.object({ path: z.string(), uploadId: z.string() })),
    nextAfter: Index.nullable(),
  }),
  /** The request was understood but cannot be served: a defect, or a version that does not fit. */
  Re.extend({ kind: z.literal("error"), message: Text }),
]);
export type RunnerAnswer = z.infer<typeof RunnerAnswerSchema>;

export const RunnerNoticeSchema = z.discriminatedUnion("kind", [
  /** There is work again: claim. */
  z.object({ kind: z.literal("wake") }),
  /** End this attempt, its programs included, and release it. */
  z.object({ kind: z.literal("revoke"), attempt: AttemptId, reason: Text }),
]);
export type RunnerNotice = z.infer<typeof RunnerNoticeSchema>;

// ---------------------------------------------------------------- agent

/** What an agent is to see to: `runners` runners for the job. Of two words of a job, that of the higher `version` is newer. */
export const WantedJobSchema = z.object({
  jobId: JobId,
  /** Of a Worker of release 0.1.0 there is none. */
  version: z.int().default(0),
  runners: Index,
  token: z.string(),
  pods: PodOptionsSchema,
});
export type WantedJob = z.infer<typeof WantedJobSchema>;

/** The part of a condition that a launcher knows. */
const LauncherConditionSchema = z.object({ type: z.string().min(1).max(100), message: Text });
export type LauncherCondition = z.infer<typeof LauncherConditionSchema>;

export const AgentRequestSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("hello"),
    id: Id,
    version: z.int(),
    /** Of the agent's software. */
    release: z.string().max(100).default(""),
    /** The cluster's own id: a cluster's name belongs to the first one that used it. */
    clusterId: z.string().min(1).max(200),
    launcher: z.string().min(1).max(50),
    /** Most runners at a time, over all jobs. */
    capacity: z.int().positive(),
  }),
  /** A runner's process or pod is gone for certain. */
  z.object({
    kind: z.literal("exited"),
    id: Id,
    jobId: z.string(),
    runnerId: z.string().min(1).max(200),
    reason: Text,
    /** Where it was the task's own making, such as more memory than the pod may have: what the task is charged with. */
    failure: z.object({ code: z.string().max(200), message: Text }).nullable(),
  }),
  /** Nothing of the job is left in the cluster. */
  z.object({ kind: z.literal("removed"), id: Id, jobId: z.string() }),
  /** What keeps runners of the job from starting, or should be known of them: all that is so now, in place of what was. */
  z.object({ kind: z.literal("conditions"), id: Id, jobId: z.string(), conditions: z.array(LauncherConditionSchema) }),
  /** The job cannot run here, or was ended here, for good. */
  z.object({ kind: z.literal("failed"), id: Id, jobId: z.string(), code: z.string().max(200), message: Text }),
]);
export type AgentRequest = z.infer<typeof AgentRequestSchema>;

export const AgentAnswerSchema = z.union([
  /** Everything that is wanted, and everything that must go. Of other jobs the agent touches nothing. */
  Re.extend({ kind: z.literal("welcome"), wanted: z.array(WantedJobSchema), remove: z.array(JobId) }),
  Re.extend({ kind: z.literal("done") }),
  Re.extend({ kind: z.literal("error"), message: Text }),
]);
export type AgentAnswer = z.infer<typeof AgentAnswerSchema>;

export const AgentNoticeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("wanted"), job: WantedJobSchema }),
  z.object({ kind: z.literal("remove"), jobId: JobId }),
]);
export type AgentNotice = z.infer<typeof AgentNoticeSchema>;

// ---------------------------------------------------------------- closing

/** WebSocket close codes of our own (RFC 6455 leaves 4000–4999 to applications). After these a peer does not dial again. */
export const closeCodes = {
  /** Another connection of the same peer took over. */
  replaced: 4001,
  /** The job has ended, and nothing is left to do for a runner. */
  ended: 4002,
  /** The peer's protocol version does not fit the Worker's. */
  version: 4003,
  /** The cluster's name belongs to another cluster. */
  clusterTaken: 4004,
  /** The runner has failed too many tasks; another one is to take its place. */
  retired: 4006,
  /** A message that is none. */
  malformed: 4005,
} as const;

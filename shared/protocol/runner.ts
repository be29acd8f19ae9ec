import { z } from "zod";
import { ArtifactSchema, ProgramTypeSchema } from "../api/artifacts.ts";
import { PlacedArtifactSchema } from "../api/placements.ts";
import { StorageAccessSchema } from "../api/storage-access.ts";
import { builtinNames } from "../builtin-programs.ts";
import { inputCompressions } from "../compression.ts";
import { ReportedCountersSchema } from "../counters.ts";
import { AttemptId, Bytes, Id, Index, JobId, Re, Status, Text } from "./fields.ts";
import { SegmentColumnsSchema } from "./segment-columns.ts";
import { AssignmentSchema, AttemptErrorSchema, PlannedObjectSchema, ResultSchema, SegmentRefSchema } from "./tasks.ts";

/** Most characters of a piece of a log in one message. */
const mostFollowed = 256 * 1024;

const ArtifactRefSchema = ArtifactSchema.extend({ type: ProgramTypeSchema, args: z.array(z.string()).optional() });
/** If the reducer is an aggregate, maps combine their output with it, too. */
const BuiltinRefSchema = z.object({ type: z.literal("builtin"), name: z.enum(builtinNames) });
const ProgramRefSchema = z.discriminatedUnion("type", [ArtifactRefSchema, BuiltinRefSchema]);

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
    combiner: ArtifactRefSchema.optional(),
  }),
  /** The most bytes of memory of a program in WebAssembly, where the job says so. */
  wasmMemory: Bytes.optional(),
  /** What lies in the working directory of programs; an archive unpacked, as a directory. */
  files: z.array(PlacedArtifactSchema).optional(),
  archives: z.array(PlacedArtifactSchema).optional(),
  /** Whether what programs say on standard error is to be sent. */
  logs: z.boolean().optional(),
  /** Variables for the programs. */
  environment: z.record(z.string(), z.string()).optional(),
  /** Names of further ones, whose values the pod has from Secrets. */
  secretEnvironment: z.array(z.string()).optional(),
});
export type RunnerJob = z.infer<typeof RunnerJobSchema>;

/**
 * Bytes that the attempt's programs have written to its log, in what ends an attempt: the whole log is on its way to the Worker.
 * Left out where there is none, and by older runners.
 */
const logBytes = Bytes.optional();

export const RunnerRequestSchema = z.discriminatedUnion("kind", [
  /** First on every connection; `attempt` is the one that the runner still works on. */
  z.object({
    kind: z.literal("hello"),
    id: Id,
    version: z.int(),
    runnerId: z.string().min(1).max(200),
    podName: z.string().min(1).max(253),
    attempt: AttemptId.nullable(),
    /** What it can do that not all runners of the Worker's range of versions can. */
    features: z.array(z.string().max(100)).max(100).default([]),
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
  /** What an attempt that is followed has written, in Base64; `offset` counts the bytes of its whole log before it. */
  z.object({
    kind: z.literal("log"),
    id: Id,
    attempt: AttemptId,
    offset: Bytes,
    content: z.base64().max(mostFollowed),
  }),
  /**
   * A reduce asks for the segments of its partition, maps from `from` on, and how long those of the next `ahead` partitions are.
   * `columns`: it can read them as columns.
   */
  z.object({
    kind: z.literal("segments"),
    id: Id,
    attempt: AttemptId,
    from: Index,
    ahead: Index.optional(),
    columns: z.boolean().optional(),
  }),
  /** A clean asks for the uploads that must be aborted, those after `after`. */
  z.object({ kind: z.literal("uploads"), id: Id, attempt: AttemptId, after: Index }),
  /** `status` is what the program said last of itself. Runners of release 0.1.0 leave it out, and counters of a failure. */
  z.object({
    kind: z.literal("complete"),
    id: Id,
    attempt: AttemptId,
    result: ResultSchema,
    counters: ReportedCountersSchema,
    status: Status.optional(),
    logBytes,
  }),
  z.object({
    kind: z.literal("fail"),
    id: Id,
    attempt: AttemptId,
    error: AttemptErrorSchema,
    status: Status.optional(),
    counters: ReportedCountersSchema.optional(),
    logBytes,
  }),
  /** A reduce could not read what map `map` had stored as attempt `mapAttempt`. */
  z.object({
    kind: z.literal("shuffle-lost"),
    id: Id,
    attempt: AttemptId,
    map: Index,
    mapAttempt: AttemptId,
    message: Text,
    logBytes,
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
    logBytes,
  }),
]);
export type RunnerRequest = z.infer<typeof RunnerRequestSchema>;

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
  /** With `columns`, `segments` is empty. */
  Re.extend({
    kind: z.literal("segments"),
    segments: z.array(SegmentRefSchema),
    columns: SegmentColumnsSchema.optional(),
    nextFrom: Index.nullable(),
  }),
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
  /** Somebody follows the log of this attempt: send it, from what was stored last on. Of runners with the feature `follow`. */
  z.object({ kind: z.literal("follow"), attempt: AttemptId }),
  /** Nobody follows it any more. */
  z.object({ kind: z.literal("unfollow"), attempt: AttemptId }),
]);
export type RunnerNotice = z.infer<typeof RunnerNoticeSchema>;

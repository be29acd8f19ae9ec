import { z } from "zod";
import { CountersSchema } from "../counters.ts";
import { FailureSchema } from "../api/fields.ts";
import { defaultMaxLosses } from "../limits.ts";
import { TaskCountsSchema, type TaskCounts } from "../api/jobs.ts";
import { DurationsSchema } from "./durations.ts";
import { attemptOutcomes, jobStatuses, taskKinds, taskStatuses } from "../status.ts";

export const JobRowSchema = z.object({
  id: z.string(),
  status: z.enum(jobStatuses),
  mapOnly: z.boolean(),
  nReducers: z.int(),
  parallelism: z.int().nullable(),
  /** Failures charged to one task after which it fails. */
  maxAttempts: z.int(),
  /** Lost attempts and lost outputs of one task, together, after which the job fails. */
  maxLosses: z.int().default(defaultMaxLosses),
  /** Share of all maps that may fail without failing the job. */
  maxFailedMapsPercent: z.number(),
  /** Whether stragglers get a second attempt. */
  speculation: z.boolean(),
  /** For how long what a failed job has computed is kept, in seconds. */
  keepFailedSeconds: z.int().default(0),
  maps: TaskCountsSchema,
  reduces: TaskCountsSchema,
  /** Commit batches. */
  commits: z.object({ total: z.int(), completed: z.int() }),
  /** Which tasks exist. A phase that is entered again finds those it had. */
  created: z.object({ reduces: z.boolean(), commits: z.boolean() }),
  /** Number of open attempts, live or revoked: those that can still act. */
  open: z.int(),
  /** Whether a task other than the plan was assigned, or an upload begun, so that there may be something to clean. */
  touched: z.boolean(),
  /** `held`: the job has failed, and what it has computed is kept until `heldUntil`. */
  clean: z.enum(["unneeded", "held", "waiting", "done", "abandoned"]),
  /** Until when a job is held, or was, in ms since 1970. Null where it was not held since it last failed. */
  heldUntil: z.int().nullable().default(null),
  released: z.boolean(),
  endedAt: z.int().nullable(),
  error: FailureSchema.nullable(),
  /** Sums over the winning map and reduce attempts. */
  counters: CountersSchema,
  /** How long the winning map and reduce attempts took, see durations.ts. */
  durations: z.object({ map: DurationsSchema, reduce: DurationsSchema }).default({ map: {}, reduce: {} }),
  /** Number of tasks that have two live attempts. */
  doubled: z.int().default(0),
  /** The number of runners last sent to the cluster. Release 0.1.0 does not store it, so its jobs send the number again. */
  announcedRunners: z.int().default(Number.MAX_SAFE_INTEGER),
  /**
   * What the last failures have in common, and the indices of the first `maxAttempts` tasks that failed so since a map or reduce
   * was completed.
   */
  alike: z.object({ failure: z.string(), tasks: z.array(z.int()) }).nullable(),
  /** Number of the newest report of conditions or of a failure that was taken in; those of a lower number are stale. */
  reportSeq: z.int().default(0),
});
export type JobRow = z.infer<typeof JobRowSchema>;

/** Release 0.1.0 keeps the last one only, or null. Its first rows have none. */
const LostSchema = z.preprocess(
  (stored) => (typeof stored === "string" ? [stored] : (stored ?? [])),
  z.array(z.string()),
);

export const TaskRowSchema = z.object({
  kind: z.enum(taskKinds),
  index: z.int(),
  status: z.enum(taskStatuses),
  /** Attempts made. Numbers them as well. */
  attempts: z.int(),
  failures: z.int(),
  losses: z.int(),
  /** Live attempts. */
  live: z.int(),
  winner: z.string().nullable(),
  /** May be claimed from this time on, in ms since 1970. */
  notBefore: z.int(),
  startedAt: z.int(),
  endedAt: z.int().nullable(),
  podName: z.string(),
  /** The last status that the program reported. */
  message: z.string(),
  error: FailureSchema.nullable(),
  /** The lost attempts that an agent can still explain, oldest first. Each is charged as a loss. */
  lost: LostSchema,
  counters: CountersSchema,
});
export type TaskRow = z.infer<typeof TaskRowSchema>;

export const AttemptEndSchema = z.object({
  /** In ms since 1970; null where release 0.1.0 has ended it. */
  at: z.int().nullable(),
  outcome: z.enum(attemptOutcomes),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** What it had counted; null where that is not known. Those of the winner are its task's. */
  counters: CountersSchema.nullable(),
});
export type AttemptEnd = z.infer<typeof AttemptEndSchema>;

const attemptStatuses = ["live", "revoked", "won", "ended"] as const;
export const AttemptRowSchema = z.object({
  id: z.string(),
  kind: z.enum(taskKinds),
  index: z.int(),
  runnerId: z.string(),
  status: z.enum(attemptStatuses),
  /** In ms since 1970. */
  startedAt: z.int(),
  /** Null while it is open. */
  end: AttemptEndSchema.nullable(),
});
export type AttemptRow = z.infer<typeof AttemptRowSchema>;

export const noTasks: TaskCounts = { total: 0, running: 0, completed: 0, failed: 0 };

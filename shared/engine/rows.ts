import { z } from "zod";
import { CountersSchema, noCounters } from "../counters.ts";
import { FailureSchema } from "../api/fields.ts";
import { TaskCountsSchema, type TaskCounts } from "../api/jobs.ts";
import { jobStatuses, taskKinds, taskStatuses, type TaskKind } from "../status.ts";

/** Lost attempts and lost outputs of one task after which the job fails. */
export const maxLosses = 16;

const PaceSchema = z.object({ attempts: z.int(), ms: z.number() });

export const JobRowSchema = z.object({
  id: z.string(),
  status: z.enum(jobStatuses),
  mapOnly: z.boolean(),
  nReducers: z.int(),
  parallelism: z.int().nullable(),
  /** Failures of one task's own making after which it fails. */
  maxAttempts: z.int(),
  /** Of all maps, how many may fail without failing the job. */
  maxFailedMapsPercent: z.number(),
  /** Whether stragglers get a second attempt. */
  speculation: z.boolean(),
  maps: TaskCountsSchema,
  reduces: TaskCountsSchema,
  /** Commit batches. */
  commits: z.object({ total: z.int(), completed: z.int() }),
  /** Which tasks exist already; a phase that is entered again finds them. */
  created: z.object({ reduces: z.boolean(), commits: z.boolean() }),
  /** Attempts that are live or revoked: those that may still act. */
  open: z.int(),
  /** A task other than the plan was handed out, or an upload was begun, so that something may have to be cleaned. */
  touched: z.boolean(),
  clean: z.enum(["unneeded", "waiting", "done", "abandoned"]),
  released: z.boolean(),
  endedAt: z.int().nullable(),
  error: FailureSchema.nullable(),
  /** Of winning map and reduce attempts. */
  counters: CountersSchema,
  /** Maps that failed and were tolerated. */
  failedMaps: z.array(z.int()),
  /** Of attempts that have won so far: how many, and how long they took together, in ms. */
  pace: z.object({ map: PaceSchema, reduce: PaceSchema }),
  /** What the last failures had in common, and which different tasks had them since a task of the phase was completed. */
  alike: z.object({ failure: z.string(), tasks: z.array(z.int()) }).nullable(),
});
export type JobRow = z.infer<typeof JobRowSchema>;

export const TaskRowSchema = z.object({
  kind: z.enum(taskKinds),
  index: z.int(),
  status: z.enum(taskStatuses),
  /** Attempts made, which also numbers them. */
  attempts: z.int(),
  failures: z.int(),
  losses: z.int(),
  /** Live attempts. */
  live: z.int(),
  winner: z.string().nullable(),
  /** Not to be claimed before this time, in ms. */
  notBefore: z.int(),
  startedAt: z.int(),
  endedAt: z.int().nullable(),
  podName: z.string(),
  /** What the program last said of itself. */
  message: z.string(),
  error: FailureSchema.nullable(),
  /** The attempt of whose loss `error` tells, where it does. */
  lost: z.string().nullable(),
  counters: CountersSchema,
});
export type TaskRow = z.infer<typeof TaskRowSchema>;

const attemptStatuses = ["live", "revoked", "won", "ended"] as const;
export const AttemptRowSchema = z.object({
  id: z.string(),
  kind: z.enum(taskKinds),
  index: z.int(),
  runnerId: z.string(),
  status: z.enum(attemptStatuses),
  /** In ms since 1970. */
  startedAt: z.int(),
});
export type AttemptRow = z.infer<typeof AttemptRowSchema>;

/** What the durable shell does besides storing the rows, in the same transaction. */
export type Effect =
  /** Insert `total` tasks of a kind, scheduled. */
  | { readonly kind: "create"; readonly tasks: TaskKind; readonly total: number }
  /** Revoke all live attempts, or those of one task, and tell their runners. */
  | { readonly kind: "revoke"; readonly task: { kind: TaskKind; index: number } | "all"; readonly reason: string }
  /** Set all tasks of the user's that have not ended to `stopped`. */
  | { readonly kind: "stop-tasks" }
  /** Tell the cluster how many runners are wanted now. */
  | { readonly kind: "runners" }
  /** Tell the Registry how the job stands. */
  | { readonly kind: "publish" }
  /** Tell idle runners that there may be work. */
  | { readonly kind: "wake" }
  /** Erase the credentials. */
  | { readonly kind: "erase" };

export type Transition = {
  readonly job: JobRow;
  readonly task?: TaskRow;
  readonly attempt?: AttemptRow;
  readonly effects: readonly Effect[];
};

const noPace = { attempts: 0, ms: 0 };
export const none: TaskCounts = { total: 0, running: 0, completed: 0, failed: 0 };

type JobOptions = Pick<
  JobRow,
  "id" | "nReducers" | "parallelism" | "maxAttempts" | "maxFailedMapsPercent" | "speculation"
>;

export const newJob = (options: JobOptions): Transition => ({
  job: {
    ...options,
    status: "pending",
    mapOnly: options.nReducers === 0,
    maps: none,
    reduces: { ...none, total: options.nReducers },
    commits: { total: 0, completed: 0 },
    created: { reduces: false, commits: false },
    open: 0,
    touched: false,
    clean: "unneeded",
    released: false,
    endedAt: null,
    error: null,
    counters: noCounters,
    failedMaps: [],
    pace: { map: noPace, reduce: noPace },
    alike: null,
  },
  effects: [{ kind: "create", tasks: "plan", total: 1 }, { kind: "runners" }, { kind: "publish" }],
});

export const newTask = (kind: TaskKind, index: number, now: number): TaskRow => ({
  kind,
  index,
  status: "scheduled",
  attempts: 0,
  failures: 0,
  losses: 0,
  live: 0,
  winner: null,
  notBefore: 0,
  startedAt: now,
  endedAt: null,
  podName: "",
  message: "",
  error: null,
  lost: null,
  counters: noCounters,
});

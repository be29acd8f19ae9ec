import { z } from "zod";
import { CountersSchema } from "../counters.ts";
import { jobStatuses, taskStatuses } from "../status.ts";
import { FailureSchema, MillisecondsSchema } from "./fields.ts";
import { TaskCountsSchema } from "./jobs.ts";

/** What happens to a job, as its journal keeps it and those who watch it are sent it. */

const common = {
  id: z.int().positive().describe("Ascends within the job, with gaps"),
  time: MillisecondsSchema,
};

const JobEventSchema = z
  .object({
    ...common,
    kind: z.literal("job"),
    status: z.enum(jobStatuses),
    error: FailureSchema.nullable().describe("Why the job has failed"),
  })
  .meta({ id: "JobEvent", description: "The job's status has changed" });

const ProgressEventSchema = z
  .object({
    ...common,
    kind: z.literal("progress"),
    maps: TaskCountsSchema,
    reduces: TaskCountsSchema,
    counters: CountersSchema,
  })
  .meta({
    id: "ProgressEvent",
    description:
      "The counts and counters as they are now. At most one a second, and one before each `job`. Of a long job some are removed " +
      "later, at even intervals.",
  });

/** Types of tasks in events; the last four are the job's own chores, which no list has. */
const taskEventTypes = ["mapper", "reducer", "plan", "commit", "success", "clean"] as const;

/** What an attempt can come to; `started` is how it begins. */
const attemptChanges = ["started", "won", "failed", "lost", "superseded"] as const;

const TaskEventSchema = z
  .object({
    ...common,
    kind: z.literal("task"),
    task: z.string().describe("The task's id"),
    type: z.enum(taskEventTypes),
    status: z.enum(taskStatuses).describe("The task's status after it"),
    attempt: z.int().positive().describe("The attempt's number"),
    runner: z.string(),
    change: z.enum(attemptChanges).describe("The attempt has started, or the outcome with which it has ended"),
    speculative: z.boolean().describe("Whether another attempt of the task runs beside it"),
    error: FailureSchema.omit({ taskId: true })
      .nullable()
      .describe("Why it failed or was lost: the beginning of what the attempt says"),
  })
  .meta({
    id: "TaskEvent",
    description:
      "An attempt has failed or was lost, a task is tried again, or gets a second attempt. Of a job with at most 1,000 maps and " +
      "reduces also each other start and success of one.",
  });

const ConditionEventSchema = z
  .object({
    ...common,
    kind: z.literal("condition"),
    type: z.string().describe("The kind of condition, one word"),
    set: z.boolean().describe("Whether the job has the condition now"),
    message: z.string().nullable().describe("Null where it is gone"),
  })
  .meta({ id: "ConditionEvent", description: "A condition was set, was given another message, or is gone" });

const GapEventSchema = z
  .object({ ...common, kind: z.literal("gap"), from: z.int().positive().describe("The first number") })
  .meta({
    id: "GapEvent",
    description: "The events from the number `from` up to this one's `id` were removed, except `progress`",
  });

export const EventSchema = z
  .discriminatedUnion("kind", [
    JobEventSchema,
    ProgressEventSchema,
    TaskEventSchema,
    ConditionEventSchema,
    GapEventSchema,
  ])
  .meta({ id: "Event", description: "Something that has happened to a job" });
export type JournalEvent = z.infer<typeof EventSchema>;

/** What tells an event from others. */
export const EventHeadSchema = z.object({ id: z.int(), kind: z.string() });

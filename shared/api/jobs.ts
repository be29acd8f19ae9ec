import { z } from "zod";
import { ProgramSchema } from "./artifacts.ts";
import { FailureSchema, InputDataSchema, MillisecondsSchema } from "./fields.ts";
import { CountersSchema } from "../counters.ts";
import { JobRequestSchema } from "./job-request.ts";
import { NotificationSchema } from "./notification.ts";
import { PlacedArtifactSchema } from "./placements.ts";
import { jobStatuses } from "../status.ts";

const OutputLocationSchema = z.object({ location: z.string(), useSSL: z.boolean() });

export const TaskCountsSchema = z.object({
  total: z.int(),
  running: z.int(),
  completed: z.int(),
  failed: z.int(),
});
export type TaskCounts = z.infer<typeof TaskCountsSchema>;

const ConditionSchema = z
  .object({
    type: z.string().describe("The kind of condition, one word"),
    message: z.string(),
    since: MillisecondsSchema,
  })
  .meta({ id: "Condition" });
export type Condition = z.infer<typeof ConditionSchema>;

export const OutputUrlSchema = z.string().meta({ id: "OutputUrl", description: "URL of a part of a job's output" });

export const JobSchema = z
  .object({
    id: z.string().describe("UUIDv7"),
    name: z.string().nullable(),
    tags: z.record(z.string(), z.string()),
    rerunOf: z.string().nullable().describe("Id of the job that it was started again from"),
    programs: z
      .object({ mapper: ProgramSchema, reducer: ProgramSchema.optional(), combiner: ProgramSchema.optional() })
      .nullable()
      .describe("As they were when the job was started. Null in lists, of jobs that release 0.1.0 has ended."),
    nReducers: z.int().nonnegative(),
    outputLocation: OutputLocationSchema,
    inputData: InputDataSchema,
    startTime: MillisecondsSchema,
    submittedBy: z.string().describe("Name of the token that posted the job"),
    cluster: z.string(),
    status: z.enum(jobStatuses),
    endTime: MillisecondsSchema.nullable(),
    heldUntil: MillisecondsSchema.nullish().describe(
      "Until when what a failed job has computed is kept, so that it can be resumed (keepFailedSeconds). Null of other jobs.",
    ),
    error: FailureSchema.nullable(),
    progress: z.object({ maps: TaskCountsSchema, reduces: TaskCountsSchema }),
    counters: CountersSchema,
    outputs: z
      .array(OutputUrlSchema)
      .describe("URLs of the first 100 parts, once the job is completed; all of them: GET /api/v1/jobs/{id}/outputs"),
    failedMaps: z
      .array(z.int())
      .describe("Indices of maps that failed and were tolerated (maxFailedMapsPercent), the first 100"),
    conditions: z
      .array(ConditionSchema)
      .describe("What keeps the job from making progress, or what a user should know"),
  })
  .meta({ id: "Job" });
export type Job = z.infer<typeof JobSchema>;

/** `request` has the defaults that applied, and neither credentials nor storage headers nor whom to notify. */
export const JobDetailSchema = JobSchema.extend({
  request: JobRequestSchema,
  files: z.array(PlacedArtifactSchema).describe("As they were when the job was started, like `programs`"),
  archives: z.array(PlacedArtifactSchema),
  notification: NotificationSchema.nullable().describe("Null where nobody is to be notified"),
}).meta({ id: "JobDetail" });
export type JobDetail = z.infer<typeof JobDetailSchema>;

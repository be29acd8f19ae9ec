import { z } from "zod";
import { PodOptionsSchema } from "../pods.ts";
import { Id, Index, JobId, Re, Text } from "./fields.ts";

/** How many runners a job wants, and what its agent needs to start them. Of two such messages the one of the higher `version` is newer. */
export const WantedJobSchema = z.object({
  jobId: JobId,
  /** A Worker of release 0.1.0 sends none. */
  version: z.int().default(0),
  runners: Index,
  token: z.string(),
  pods: PodOptionsSchema,
  /** When the job was last resumed, in ms since 1970: what was said of it before is over. */
  resumedAt: z.int().optional(),
});
export type WantedJob = z.infer<typeof WantedJobSchema>;

/** The part of a condition that a launcher knows. */
export const LauncherConditionSchema = z.object({ type: z.string().min(1).max(100), message: Text });
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
    /** What its task is charged with, where the task is to blame, such as for more memory than the pod may have. */
    failure: z.object({ code: z.string().max(200), message: Text }).nullable(),
    /** Whether the cluster ended it for reasons of its own, such as a drained or preempted node: the task is not charged with the loss. */
    disrupted: z.boolean().optional(),
  }),
  /** Nothing of the job is left in the cluster. */
  z.object({ kind: z.literal("removed"), id: Id, jobId: z.string() }),
  /** What keeps runners of the job from starting, or should be known of them: replaces the conditions reported before. */
  z.object({ kind: z.literal("conditions"), id: Id, jobId: z.string(), conditions: z.array(LauncherConditionSchema) }),
  /** The job cannot run here, or was ended here, for good. */
  z.object({ kind: z.literal("failed"), id: Id, jobId: z.string(), code: z.string().max(200), message: Text }),
]);
export type AgentRequest = z.infer<typeof AgentRequestSchema>;
/** A report of what happened to a job's runners. */
export type AgentReport = Extract<AgentRequest, { kind: "exited" | "conditions" | "failed" }>;

export const AgentAnswerSchema = z.union([
  /** What is wanted, and what must go. Of other jobs the agent touches nothing. */
  Re.extend({
    kind: z.literal("welcome"),
    wanted: z.array(WantedJobSchema),
    remove: z.array(JobId),
    /** Whether there is more than that, which follows as notices. */
    isPartial: z.boolean().optional(),
  }),
  Re.extend({ kind: z.literal("done") }),
  Re.extend({ kind: z.literal("error"), message: Text }),
]);
export type AgentAnswer = z.infer<typeof AgentAnswerSchema>;

export const AgentNoticeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("wanted"), job: WantedJobSchema }),
  z.object({ kind: z.literal("remove"), jobId: JobId }),
]);
export type AgentNotice = z.infer<typeof AgentNoticeSchema>;

import { z } from "zod";
import { ObjectSchema, PodSpecSchema } from "./object-schemas.ts";

const RuleSchema = z.looseObject({
  action: z.enum(["Ignore", "FailJob", "Count", "FailIndex"]),
  onExitCodes: z
    .looseObject({
      containerName: z.string().optional(),
      operator: z.enum(["In", "NotIn"]),
      values: z.array(z.number()),
    })
    .optional(),
  onPodConditions: z.array(z.looseObject({ type: z.string(), status: z.string().default("True") })).optional(),
});
export type FailureRule = z.infer<typeof RuleSchema>;

const count = z.number();

const JobSpecSchema = z.looseObject({
  parallelism: count.default(1),
  completions: count.optional(),
  completionMode: z.enum(["NonIndexed", "Indexed"]).default("NonIndexed"),
  backoffLimit: count.default(6),
  activeDeadlineSeconds: count.optional(),
  ttlSecondsAfterFinished: count.optional(),
  manualSelector: z.boolean().default(false),
  suspend: z.boolean().default(false),
  podFailurePolicy: z.looseObject({ rules: z.array(RuleSchema) }).optional(),
  podReplacementPolicy: z.enum(["TerminatingOrFailed", "Failed"]).optional(),
  selector: z.looseObject({ matchLabels: z.record(z.string(), z.string()) }).optional(),
  template: z.looseObject({
    metadata: z
      .looseObject({
        labels: z.record(z.string(), z.string()).optional(),
        annotations: z.record(z.string(), z.string()).optional(),
      })
      .default({}),
    spec: PodSpecSchema,
  }),
});

const JobConditionSchema = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().optional(),
});
export type JobCondition = z.infer<typeof JobConditionSchema>;

const JobStatusSchema = z.looseObject({
  active: count.optional(),
  ready: count.optional(),
  terminating: count.optional(),
  succeeded: count.optional(),
  failed: count.optional(),
  startTime: z.string().optional(),
  completionTime: z.string().optional(),
  conditions: z.array(JobConditionSchema).optional(),
});
export type JobStatus = z.infer<typeof JobStatusSchema>;

export const JobSchema = ObjectSchema.extend({ spec: JobSpecSchema, status: JobStatusSchema.default({}) });
export type Job = z.infer<typeof JobSchema>;

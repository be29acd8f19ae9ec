import { z } from "zod";
import { maxRanges } from "../limits.ts";
import { AttemptId, Bytes, Index, Text } from "./fields.ts";

/** What a runner is given to do, and what comes of it. */

export const programRoles = ["mapper", "reducer", "combiner"] as const;
export const ProgramRoleSchema = z.enum(programRoles);
export type ProgramRole = z.infer<typeof ProgramRoleSchema>;

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
export const AssignmentSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("plan"), ...assignment }),
  /** `next`: the first ranges of the map that the runner is most likely given afterwards, so that it can open them already. */
  z.object({ kind: z.literal("map"), ...assignment, input: MapInputSchema, next: MapInputSchema.optional() }),
  /** `ahead`: how many of the next partitions the runner is most likely given afterwards, so that it can read them along. */
  z.object({ kind: z.literal("reduce"), ...assignment, ahead: Index.optional() }),
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

export const ResultSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("plan") }),
  z.object({ kind: z.literal("map"), shuffle: MapOutputSchema }),
  /** A reduce, or a map of a map-only job. */
  z.object({ kind: z.literal("output"), output: UploadedOutputSchema }),
  /** `commit`, `success` and `clean`. `lost` names the outputs whose uploads the store no longer has. */
  z.object({ kind: z.literal("done"), lost: z.array(Index) }),
]);
export type Result = z.infer<typeof ResultSchema>;

export const AttemptErrorSchema = z.object({
  code: z.string().max(200),
  message: Text,
  /** Whether another attempt is bound to fail in the same way, so that the job fails at once. */
  final: z.boolean(),
});
export type AttemptError = z.infer<typeof AttemptErrorSchema>;

export const PlannedObjectSchema = z.object({ path: z.string(), size: Bytes, etag: z.string() });
export type PlannedObject = z.infer<typeof PlannedObjectSchema>;

export const SegmentRefSchema = z.object({
  map: Index,
  attempt: AttemptId,
  path: z.string(),
  offset: Bytes,
  length: Bytes,
  largestBlock: Bytes,
  /** Bytes of the segments of the next partitions, right behind this one, as many as were asked for. */
  ahead: Bytes.optional(),
});
export type SegmentRef = z.infer<typeof SegmentRefSchema>;

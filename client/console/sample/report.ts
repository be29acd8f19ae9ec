import { z } from "zod";
import { maxStatus } from "../../../shared/limits.ts";
import { maxCounterName, maxGroupName, maxUserCounters } from "../../../shared/user-counters.ts";
import { longestError, longestPart, longestPrinted, mostLines, mostPrinted, mostRows } from "./limits.ts";

/** What the page gives the worker of a sample, and what the worker answers. */

export type SampleRequest = {
  /** The artifact's name, for messages. */
  readonly name: string;
  /** The module's source. */
  readonly source: string;
  readonly lines: readonly string[];
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly inputPath: string;
};

const Part = z.string().max(longestPart);
const Count = z.int().nonnegative();

const SampleResultSchema = z.strictObject({
  kind: z.literal("result"),
  /** Records that `map` was called for without an error. */
  records: Count,
  /** Milliseconds that the calls took, without the loading of the module. */
  took: z.number().nonnegative(),
  emitted: Count,
  /** The first emitted records: key, then value. */
  rows: z.array(z.tuple([Part, Part])).max(mostRows),
  /** Group, name, amount. */
  counters: z
    .array(z.tuple([z.string().max(maxGroupName), z.string().max(maxCounterName), z.int()]))
    .max(maxUserCounters),
  status: z.string().max(maxStatus),
  printed: z.array(z.string().max(longestPrinted)).max(mostPrinted),
  printedMore: Count,
  /** Why the sample failed; empty if it did not. */
  error: z.string().max(longestError),
});

export type SampleResult = z.infer<typeof SampleResultSchema>;

/** A message of the worker. It runs a program of a user, so that its messages are checked like any other input. */
export const SampleMessageSchema = z.discriminatedUnion("kind", [
  /** The worker is there, and loads the module next. */
  z.strictObject({ kind: z.literal("ready") }),
  /** `map` is about to be called for this record, counted from 1. */
  z.strictObject({ kind: z.literal("record"), record: z.int().min(1).max(mostLines) }),
  SampleResultSchema,
]);

export type SampleMessage = z.infer<typeof SampleMessageSchema>;

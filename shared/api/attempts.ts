import { z } from "zod";
import { CountersSchema } from "../counters.ts";
import { attemptOutcomes } from "../status.ts";
import { FailureSchema, MillisecondsSchema } from "./fields.ts";

export const AttemptSchema = z
  .object({
    number: z.int().positive().describe("Counts the attempts of the task, from 1"),
    runner: z.string().describe("The runner's name, which on Kubernetes is its pod's"),
    startTime: MillisecondsSchema,
    endTime: MillisecondsSchema.nullable().describe("Null while it runs"),
    outcome: z
      .enum(attemptOutcomes)
      .nullable()
      .describe(
        "Null while it runs. won: it did the task. failed: the task is to blame. lost: its runner is gone or has given it back, or " +
          "what it made was lost. superseded: another attempt was first. stopped: the job ended before.",
      ),
    error: FailureSchema.omit({ taskId: true }).nullable().describe("Why it failed or was lost"),
    logBytes: z
      .int()
      .nullable()
      .describe("What it has written to its log, also of what was left out of it. Null where no log is kept."),
    counters: CountersSchema.nullable().describe(
      "What it has counted. Null while it runs, and where that is not known.",
    ),
  })
  .meta({ id: "Attempt" });
export type Attempt = z.infer<typeof AttemptSchema>;

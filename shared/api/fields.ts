import { z } from "zod";

/** The REST API's bodies, schema first; the OpenAPI document is generated from these same schemas. */

export const MillisecondsSchema = z.int().nonnegative().describe("Milliseconds since 1970-01-01T00:00:00Z");

export const InputDataSchema = z.object({
  id: z.string(),
  path: z.string(),
  type: z.string(),
  splitStart: z.int().nonnegative().describe("Offset of the first byte"),
  splitEnd: z.int().nonnegative().describe("Offset after the last byte; 0 until it is known"),
});

export const FailureSchema = z
  .object({
    code: z.string().describe("The store's error code, or the kind of failure"),
    message: z.string(),
    taskId: z.string().nullable().describe("The task that failed the job"),
  })
  .meta({ id: "Failure" });

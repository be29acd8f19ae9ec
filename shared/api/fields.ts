import { z } from "zod";

/** The REST API's bodies, schema first; the OpenAPI document is generated from these same schemas. */

export const MillisecondsSchema = z.int().nonnegative().describe("Milliseconds since 1970-01-01T00:00:00Z");

export const InputDataSchema = z.object({
  id: z.string(),
  path: z.string(),
  type: z.string(),
  splitStart: z.int().nonnegative().describe("First byte"),
  splitEnd: z.int().nonnegative().describe("The byte after the last one; 0 until it is known"),
});

export const FailureSchema = z
  .object({
    code: z.string().describe("The store's own code, or what kind of failure it was"),
    message: z.string(),
    taskId: z.string().nullable().describe("The task whose failure ended the job"),
  })
  .meta({ id: "Failure" });

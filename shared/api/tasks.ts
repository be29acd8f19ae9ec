import { z } from "zod";
import { ArtifactSchema } from "./artifacts.ts";
import { FailureSchema, InputDataSchema, MillisecondsSchema } from "./fields.ts";
import { CountersSchema } from "../counters.ts";
import { taskStatuses } from "../status.ts";

export const TaskSchema = z
  .object({
    id: z.string(),
    type: z.enum(["mapper", "reducer"]),
    status: z.enum(taskStatuses),
    program: ArtifactSchema,
    inputData: InputDataSchema.describe(
      "A map's object and byte range; where it reads several objects (combineInputs), the job's input path and from 0 to the " +
        "number of their bytes. A reduce's shuffle folder and bytes.",
    ),
    podName: z.string().describe("Empty until the task is claimed"),
    startTime: MillisecondsSchema.describe("When it was scheduled, then when its current attempt started"),
    attempt: z.int().nonnegative().describe("How often it was tried"),
    endTime: MillisecondsSchema.nullable(),
    message: z.string().describe("What the program last reported as its status"),
    error: FailureSchema.nullable().describe("Why the last failed attempt failed"),
    counters: CountersSchema,
  })
  .meta({ id: "Task" });
export type Task = z.infer<typeof TaskSchema>;

import { z } from "zod";
import { ProgramSchema } from "./artifacts.ts";
import { FailureSchema, InputDataSchema, MillisecondsSchema } from "./fields.ts";
import { CountersSchema } from "../counters.ts";
import { taskStatuses } from "../status.ts";

export const TaskSchema = z
  .object({
    id: z.string(),
    type: z.enum(["mapper", "reducer"]),
    status: z.enum(taskStatuses),
    program: ProgramSchema,
    inputData: InputDataSchema.describe(
      "The object and the byte range that a map reads. A map of several objects (combineInputs) has the job's input path, and " +
        "a range from 0 to the sum of their bytes. A reduce has the shuffle folder and the bytes that it reads of it.",
    ),
    podName: z.string().describe("Empty until a runner claims the task"),
    startTime: MillisecondsSchema.describe(
      "When the task was scheduled; once it is claimed, when its current attempt started",
    ),
    attempt: z.int().nonnegative().describe("Number of attempts so far"),
    endTime: MillisecondsSchema.nullable(),
    message: z.string().describe("The status that the program reported last"),
    error: FailureSchema.nullable().describe("Why the last failed attempt failed"),
    counters: CountersSchema,
  })
  .meta({ id: "Task" });
export type Task = z.infer<typeof TaskSchema>;

export const TaskDetailSchema = TaskSchema.extend({
  inputs: z
    .array(
      z.object({
        path: z.string(),
        splitStart: z.int().nonnegative().describe("Offset of the first byte"),
        splitEnd: z.int().nonnegative().describe("Offset after the last byte"),
      }),
    )
    .describe("The objects and byte ranges that a map reads, in this order. Empty for a reduce."),
}).meta({ id: "TaskDetail" });
export type TaskDetail = z.infer<typeof TaskDetailSchema>;

/** The types of tasks, as users know them. */
export const taskTypes = TaskSchema.shape.type.options;

/** The orders of a list of tasks. Without one, the newest come first: reduces before maps, the highest index before lower ones. */
export const taskOrders = ["index", "-duration", "-startTime"] as const;
export type TaskOrder = (typeof taskOrders)[number];

const StatesSchema = z.string().regex(/^[srcfx]*$/);

export const TaskStatesSchema = z
  .object({ maps: StatesSchema.describe("One letter a map, by index"), reduces: StatesSchema })
  .meta({
    id: "TaskStates",
    description: "The status of each task: s scheduled, r in-progress, c completed, f failed, x stopped",
  });
export type TaskStates = z.infer<typeof TaskStatesSchema>;

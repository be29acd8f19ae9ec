import { z } from "zod";
import { AttemptSchema, type Attempt } from "../../shared/api/attempts.ts";
import { SegmentSchema } from "../../shared/api/segments.ts";
import { TaskDetailSchema, taskOrders, TaskSchema, TaskStatesSchema, taskTypes } from "../../shared/api/tasks.ts";
import { taskStatuses } from "../../shared/status.ts";
import { check } from "../http/body.ts";
import { listAnswer, listResponse, PageQuerySchema, pageOf, pageParameters } from "../http/lists.ts";
import { jsonAnswer, pathParameter, refTo } from "../http/operation.ts";
import { ProblemError } from "../http/problems.ts";
import { param, type Call, type Resource } from "../http/resource.ts";
import { jsonResponse } from "../http/responses.ts";
import { askJob, jobParameter } from "./ask-job.ts";

/** The tasks of a job, and their attempts. */

const oneOf = <const Word extends string>(words: readonly Word[]) =>
  z.enum(words, `must be one of ${words.join(", ")}`);

const TasksQuerySchema = PageQuerySchema.extend({
  status: oneOf(taskStatuses).optional(),
  type: oneOf(taskTypes).optional(),
  sort: oneOf(taskOrders).optional(),
});

const listTasks = async (call: Call): Promise<Response> => {
  const { type, sort, ...page } = check(TasksQuerySchema, Object.fromEntries(call.url.searchParams));
  const kind = type && (type === "mapper" ? "map" : "reduce");
  return listResponse(call, await askJob(call, async (job) => await job.tasks({ ...page, kind, order: sort })));
};

const known = <T>(call: Call, answer: T | "unknown"): T => {
  if (answer === "unknown") {
    throw new ProblemError("unknown-task", `Job ${param(call, "id")} has no task '${param(call, "task")}'.`);
  }
  return answer;
};

const getTask = async (call: Call): Promise<Response> => {
  const task = await askJob(call, async (job) => await job.task(param(call, "task")));
  return jsonResponse(JSON.stringify(known(call, task)));
};

const listAttempts = async (call: Call): Promise<Response> => {
  const page = pageOf(call.url);
  const found = await askJob(call, async (job) => await job.attempts(param(call, "task"), page));
  return listResponse(call, known(call, found));
};

const listSegments = async (call: Call): Promise<Response> => {
  const page = pageOf(call.url);
  const found = await askJob(call, async (job) => await job.segments(param(call, "task"), page));
  return listResponse(call, known(call, found));
};

/** The attempt that the path names. @throws ProblemError 404 where there is none */
export const requireAttempt = async (call: Call): Promise<Attempt> => {
  const [task, number] = [param(call, "task"), param(call, "attempt")];
  const found = /^[1-9]\d{0,8}$/.test(number)
    ? await askJob(call, async (job) => await job.attempt(task, Number(number)))
    : "unknown";
  if (found !== "unknown") return found;
  throw new ProblemError("unknown-attempt", `There is no attempt '${number}' of task '${task}'.`);
};

const getAttempt = async (call: Call): Promise<Response> => jsonResponse(JSON.stringify(await requireAttempt(call)));

const taskParameter = pathParameter("task", "The task's id", "unknown-task");
export const attemptParameters = [
  jobParameter,
  pathParameter("task", "The task's id"),
  pathParameter("attempt", "The attempt's number", "unknown-attempt", { type: "integer", minimum: 1 }),
];

export const taskResources: readonly Resource[] = [
  {
    path: "/api/v1/jobs/:id/tasks",
    audience: "api",
    parameters: [jobParameter],
    methods: {
      GET: {
        operation: {
          id: "listTasks",
          summary: "List the tasks of a job",
          parameters: [
            ...pageParameters,
            { name: "status", in: "query", description: "Only tasks of this status", schema: { enum: taskStatuses } },
            { name: "type", in: "query", description: "Only tasks of this type", schema: { enum: taskTypes } },
            {
              name: "sort",
              in: "query",
              description:
                "Without it, the newest come first: reduces before maps, the highest index before lower ones. " +
                "`index`: maps before reduces, the lowest index first. `-duration`: those that have taken longest first. " +
                "`-startTime`: those that have started last first.",
              schema: { enum: taskOrders },
            },
          ],
          responses: { "200": listAnswer("Tasks, in the order that was asked for", TaskSchema) },
        },
        handle: listTasks,
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/task-states",
    audience: "api",
    parameters: [jobParameter],
    methods: {
      GET: {
        operation: {
          id: "getTaskStates",
          summary: "Get the statuses of all tasks of a job",
          responses: { "200": jsonAnswer("A letter a task", refTo(TaskStatesSchema)) },
        },
        handle: async (call) => jsonResponse(JSON.stringify(await askJob(call, async (job) => await job.taskStates()))),
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/tasks/:task",
    audience: "api",
    parameters: [jobParameter, taskParameter],
    methods: {
      GET: {
        operation: {
          id: "getTask",
          summary: "Get a task, with all that it reads",
          responses: { "200": jsonAnswer("The task", refTo(TaskDetailSchema)) },
        },
        handle: getTask,
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/tasks/:task/segments",
    audience: "api",
    parameters: [jobParameter, taskParameter],
    methods: {
      GET: {
        operation: {
          id: "listSegments",
          summary: "List what a reduce reads of the outputs of maps, for as long as these are kept",
          parameters: pageParameters,
          responses: { "200": listAnswer("Segments in the order of the maps, without empty ones", SegmentSchema) },
        },
        handle: listSegments,
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/tasks/:task/attempts",
    audience: "api",
    parameters: [jobParameter, taskParameter],
    methods: {
      GET: {
        operation: {
          id: "listAttempts",
          summary: "List the attempts of a task",
          parameters: pageParameters,
          responses: { "200": listAnswer("Attempts, newest first", AttemptSchema) },
        },
        handle: listAttempts,
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/tasks/:task/attempts/:attempt",
    audience: "api",
    parameters: attemptParameters,
    methods: {
      GET: {
        operation: {
          id: "getAttempt",
          summary: "Get an attempt of a task",
          responses: { "200": jsonAnswer("The attempt", refTo(AttemptSchema)) },
        },
        handle: getAttempt,
      },
    },
  },
];

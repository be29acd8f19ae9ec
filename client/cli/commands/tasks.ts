import { exitCodes, type ExitCode } from "../failure.ts";
import type { Task } from "../../sdk/index.ts";
import { say, writeList } from "../output.ts";
import { findJobId } from "../server/find-job.ts";
import { withServer } from "../server/server.ts";
import { showAddress } from "../show/describe-end.ts";
import { elapsed, shortTask } from "../../show/job-names.ts";
import { showBytes, showDuration } from "../../show/quantity.ts";
import { styleStatus } from "../show/style.ts";
import type { Column } from "../show/table.ts";
import { example, parseCount, serverCommand } from "./common.ts";

const columns = (jobId: string): Column<Task>[] => [
  { title: "TASK", value: ({ id }) => shortTask(jobId, id) },
  { title: "STATUS", value: ({ status }) => status, paint: ({ status }, text) => styleStatus(status, text) },
  { title: "TRIES", value: ({ attempt }) => String(attempt) },
  { title: "TOOK", value: (task) => (task.attempt === 0 ? "" : showDuration(elapsed(task))) },
  { title: "READS", value: ({ inputData: { splitStart, splitEnd } }) => showBytes(splitEnd - splitStart) },
  { title: "RUNNER", value: ({ podName }) => podName },
  {
    title: "INPUT, OR WHAT IT SAYS",
    value: ({ error, message, inputData }) =>
      error?.message ?? (message === "" ? showAddress(inputData.path) : message),
  },
];

export const tasksCommand = (done: (code: ExitCode) => void) =>
  serverCommand("tasks", "List the tasks of a job")
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .option("--status <word>", "of this status: scheduled, in-progress, completed, failed or stopped")
    .option("--type <word>", "of this type: mapper or reducer")
    .option("--sort <order>", "index, -duration (the slowest first) or -startTime (the latest first)", "index")
    .option("-n, --limit <number>", "so many", parseCount, 100)
    .addHelpText("after", example("edgefold tasks @ --status failed", "edgefold tasks @ --sort -duration --limit 10"))
    .action(async (text, { status, type, sort, limit, ...options }) => {
      await withServer(options, async (server) => {
        const id = await findJobId(server, text);
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server refuses a word that it does not know
        const filter = { status, type, sort } as Parameters<typeof server.client.tasks.list>[1];
        const { items, next } = await server.client.tasks.list(id, filter).page({ limit });
        await writeList(items, columns(id), options);
        if (process.stdout.isTTY && next !== undefined) say(`The first ${limit}; --limit shows more.`);
      });
      done(exitCodes.ok);
    });

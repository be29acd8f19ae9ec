import { fileURLToPath } from "node:url";
import { relative } from "node:path";
import { EdgefoldError, type Job, type JobDetail, type Task } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { say } from "../output.ts";
import type { Server } from "../server/server.ts";
import { elapsed, shortId, shortTask } from "../../show/job-names.ts";
import { showBytes, showCount, showDuration } from "../../show/quantity.ts";
import { style, styleStatus } from "./style.ts";
import { plainText } from "./text.ts";

/** How a job has ended, for whoever waited for it. */

export const exitCodeOf = ({ status }: Job): ExitCode =>
  status === "completed" ? exitCodes.ok : status === "stopped" ? exitCodes.stopped : exitCodes.failed;

/** Lines of the log of a failed task. */
const logLines = 20;

/** Failed tasks whose logs are shown. */
const mostTasks = 3;

/** An address as this machine's user would write it. */
export const showAddress = (address: string): string => {
  if (!address.startsWith("file:///")) return address;
  const path = fileURLToPath(address);
  const near = relative(process.cwd(), path);
  return near !== "" && !near.startsWith("..") ? near + (path.endsWith("/") ? "/" : "") : path;
};

/** What a job has read and written, in words. */
export const volumeOf = ({ progress, counters: { builtin } }: Job): string => {
  const { maps, reduces } = progress;
  const tasks = [`${showCount(maps.total)} ${maps.total === 1 ? "map" : "maps"}`];
  if (reduces.total > 0) tasks.push(`${showCount(reduces.total)} ${reduces.total === 1 ? "reduce" : "reduces"}`);
  const read = `read ${showBytes(builtin.mapInputBytes ?? 0)}`;
  return [...tasks, read, `wrote ${showBytes(builtin.outputBytes ?? 0)}`].join(", ");
};

/** Tasks that have failed, with the end of what their last attempts have written. */
export const failedTasks = async (
  { client }: Server,
  job: Pick<Job, "id">,
): Promise<{ readonly task: Task; readonly log: string }[]> => {
  const { items } = await client.tasks.list(job.id, { status: "failed" }).page({ limit: mostTasks });
  return await Promise.all(
    items.map(async (task) => {
      try {
        return { task, log: await client.logs.read(job.id, task.id, task.attempt, { tail: logLines }) };
      } catch (error) {
        if (error instanceof EdgefoldError) return { task, log: "" };
        throw error;
      }
    }),
  );
};

/** Says why a job has failed: its error, and the logs of the tasks that have. */
const sayFailure = async (server: Server, job: JobDetail): Promise<void> => {
  const { error } = job;
  if (error !== null) say(`${style("red", error.code, process.stderr)}: ${plainText(error.message)}`);
  for (const { task, log } of await failedTasks(server, job)) {
    const name = shortTask(job.id, task.id);
    say(`\n${style("bold", `${name}, attempt ${task.attempt}`, process.stderr)} on ${task.inputData.path}`);
    // The job's error has the same end of the log where this task has failed it.
    const isTold =
      error?.taskId === task.id && log.trim() !== "" && error.message.includes(log.trim().split("\n").at(-1) ?? "");
    if (!isTold && log !== "") say(plainText(log.trimEnd()));
    if (log === "" && error?.taskId !== task.id && task.error !== null) say(plainText(task.error.message));
  }
};

/** Says how a job has ended, and what to do next. */
export const sayEnd = async (server: Server, job: JobDetail): Promise<void> => {
  const { status, id } = job;
  const took = showDuration(elapsed(job));
  say(`${styleStatus(status, status, process.stderr)} in ${took}: ${volumeOf(job)}`);
  const short = shortId(id);
  if (status === "completed") {
    for (const index of job.failedMaps) say(style("yellow", `m-${index} has failed and was left out`, process.stderr));
    return;
  }
  if (status !== "failed") return;
  await sayFailure(server, job);
  say(`\nMore: edgefold logs ${short} --failed`);
  if (job.heldUntil != null) say(`Go on where it has failed: edgefold resume ${short}`);
};

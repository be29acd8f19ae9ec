import { createLogUpdate } from "log-update";
import type { JobDetail, JournalEvent } from "../../sdk/index.ts";
import { say } from "../output.ts";
import type { Server } from "../server/server.ts";
import { shortTask } from "../../show/job-names.ts";
import { advance, beginning, progressLines, progressText, type Slowest } from "./progress.ts";
import { style } from "./style.ts";
import { oneLine } from "./text.ts";

/** How often a terminal is drawn, and the slowest task is asked for, in ms. */
const drawMs = 250;
const slowestMs = 5_000;

/** How often what is no terminal is told, in ms, while nothing else is to be told. */
const lineMs = 10_000;

/** Longest text of a failure on the way: the end of the job has it in full. */
const longestNote = 160;

/** What of an event is worth a line of its own. */
const noteOf = (jobId: string, event: JournalEvent): string | undefined => {
  if (event.kind === "condition" && event.set && event.message !== null)
    return `${event.type}: ${oneLine(event.message)}`;
  if (event.kind !== "task" || event.error === null) return undefined;
  const again = event.status === "failed" ? "" : "; it is tried again";
  const text = oneLine(event.error.message);
  const short = text.length > longestNote ? `${text.slice(0, longestNote)}…` : text;
  return `${shortTask(jobId, event.task)}, attempt ${event.attempt}, ${event.change}: ${short}${again}`;
};

/** The task of the present phase that has run longest. */
const findSlowest = async ({ client }: Server, id: string): Promise<Slowest | undefined> => {
  const { items } = await client.tasks.list(id, { status: "in-progress", sort: "-duration" }).page({ limit: 1 });
  const [task] = items;
  return task && { ...task, name: shortTask(id, task.id) };
};

/**
 * Shows how a job gets on, on the standard error, until it has ended.
 * @returns the job, completed, failed or stopped
 * @throws the signal's reason
 */
export const followJob = async (server: Server, job: JobDetail, signal?: AbortSignal): Promise<JobDetail> => {
  let progress = beginning(job.status, job.startTime);
  let slowest: Slowest | undefined;
  const isTerminal = process.stderr.isTTY;
  const screen = createLogUpdate(process.stderr);
  const draw = (): void => screen(progressLines(progress, slowest, Date.now()).join("\n"));
  let told = "";
  const tell = (): void => {
    const text = progressText(progress);
    if (text !== told) say(text);
    told = text;
  };
  const timers = isTerminal
    ? [
        setInterval(draw, drawMs),
        setInterval(() => {
          findSlowest(server, job.id).then(
            (found) => (slowest = found),
            () => undefined,
          );
        }, slowestMs),
      ]
    : [setInterval(tell, lineMs)];
  const onEvent = (event: JournalEvent): void => {
    const { status } = progress;
    progress = advance(progress, event);
    if (progress.status !== status) slowest = undefined;
    const note = noteOf(job.id, event);
    if (note !== undefined) {
      if (isTerminal) screen.clear();
      say(style("yellow", note, process.stderr));
    }
    if (isTerminal) draw();
    else if (progress.status !== status) tell();
  };
  try {
    return await server.client.jobs.wait(job.id, { onEvent, signal });
  } finally {
    for (const timer of timers) clearInterval(timer);
    if (isTerminal) screen.clear();
    screen.done();
  }
};

import { isEnded } from "../../../shared/status.ts";
import { EdgefoldError, type JobDetail } from "../../sdk/index.ts";
import { CommandError, exitCodes, type ExitCode } from "../failure.ts";
import { say, write, writeJson } from "../output.ts";
import { findJob, taskIdOf } from "../server/find-job.ts";
import { withServer, type Server } from "../server/server.ts";
import { shortTask } from "../../show/job-names.ts";
import { style } from "../show/style.ts";
import { plainText } from "../show/text.ts";
import { example, parseCount, serverCommand } from "./common.ts";

/** Logs of several tasks that are followed at a time. */
const mostFollowed = 50;

type LogOptions = {
  readonly tail?: number | undefined;
  readonly attempt?: number | undefined;
  readonly failed?: true | undefined;
};

type Log = { readonly task: string; readonly attempt: number; readonly text: string };

/** The task's attempt of that number, or else its last one. */
const attemptOf = async ({ client }: Server, id: string, task: string, number: number | undefined): Promise<number> => {
  if (number !== undefined) return number;
  const { attempt } = await client.tasks.get(id, task);
  if (attempt > 0) return attempt;
  throw new CommandError(`No attempt of ${task} has begun yet.`, exitCodes.unknown);
};

const readLog = async (
  { client }: Server,
  id: string,
  task: string,
  attempt: number,
  tail: number | undefined,
): Promise<Log> => ({
  task: shortTask(id, task),
  attempt,
  text: await client.logs.read(id, task, attempt, { tail }),
});

/** The logs of the tasks of a job that have written any, or of those that have failed. */
const readLogs = async function* (server: Server, id: string, { failed, tail }: LogOptions): AsyncGenerator<Log> {
  const filter = { sort: "index", status: failed === true ? "failed" : undefined } as const;
  for await (const task of server.client.tasks.list(id, filter)) {
    if (task.attempt === 0) continue;
    const log = await readLog(server, id, task.id, task.attempt, tail);
    if (log.text !== "" || failed === true) yield log;
  }
};

const header = ({ task, attempt }: Log): string => style("bold", `==> ${task}, attempt ${attempt} <==`);

const printLogs = async (server: Server, id: string, options: LogOptions, isJson: boolean): Promise<void> => {
  const logs: Log[] = [];
  let count = 0;
  for await (const log of readLogs(server, id, options)) {
    if (isJson) logs.push(log);
    else await write(`${count++ === 0 ? "" : "\n"}${header(log)}\n${plainText(log.text)}`);
  }
  if (isJson) await writeJson(logs);
  else if (count === 0) say(options.failed === true ? "No task has failed." : "No task has written a log.");
};

/** Prints the logs of all attempts of a job as they are written, each line with its task, until the job has ended. */
const followAll = async (server: Server, { id }: JobDetail): Promise<void> => {
  const followed = new Map<string, Promise<void>>();
  const follow = async (task: string, attempt: number): Promise<void> => {
    let rest = "";
    const name = style("cyan", `${shortTask(id, task)} |`);
    const print = async (lines: readonly string[]): Promise<void> => {
      for (const line of lines) await write(`${name} ${plainText(line)}\n`);
    };
    try {
      for await (const text of server.client.logs.follow(id, task, attempt)) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        await print(lines);
      }
      if (rest !== "") await print([rest]);
    } catch (error) {
      // One of many: the others go on.
      if (!(error instanceof EdgefoldError)) throw error;
      say(`the log of ${shortTask(id, task)} is lost: ${error.detail}`);
    } finally {
      followed.delete(`${task}-${attempt}`);
    }
  };
  for await (const event of server.client.events(id)) {
    if (event.kind !== "task" || event.change !== "started" || (event.type !== "mapper" && event.type !== "reducer"))
      continue;
    while (followed.size >= mostFollowed) await Promise.race(followed.values());
    followed.set(`${event.task}-${event.attempt}`, follow(event.task, event.attempt));
  }
  await Promise.all(followed.values());
};

export const logsCommand = (done: (code: ExitCode) => void) =>
  serverCommand("logs", "Print what programs have written to standard error")
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .argument("[task]", "a task, such as m-3; without one, all tasks, of a failed job those that have failed")
    .option("--failed", "of the tasks that have failed")
    .option("--attempt <number>", "of this attempt; the last one by default", parseCount)
    .option("--tail <number>", "only so many lines, the last ones", parseCount)
    .option("-f, --follow", "go on with what is written until the attempt, or the job, has ended")
    .addHelpText(
      "after",
      example("edgefold logs @ --failed", "edgefold logs @ m-3 --tail 50", "edgefold logs @ --follow"),
    )
    .action(async (text, taskText, options) => {
      await withServer(options, async (server) => {
        const job = await findJob(server, text);
        const isJson = options.json === true;
        if (taskText === undefined) {
          if (options.follow === true && !isEnded(job.status)) await followAll(server, job);
          else
            await printLogs(
              server,
              job.id,
              { ...options, failed: options.failed ?? (job.status === "failed" || undefined) },
              isJson,
            );
          return;
        }
        const task = taskIdOf(job.id, taskText);
        const attempt = await attemptOf(server, job.id, task, options.attempt);
        if (options.follow === true) {
          const log = server.client.logs.follow(job.id, task, attempt, { tail: options.tail });
          for await (const piece of log) await write(plainText(piece));
          return;
        }
        const log = await readLog(server, job.id, task, attempt, options.tail);
        await (isJson ? writeJson(log) : write(plainText(log.text)));
      });
      done(exitCodes.ok);
    });

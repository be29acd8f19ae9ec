import type { JobDetail } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { writeJson, writeLine } from "../output.ts";
import { findJob } from "../server/find-job.ts";
import { withServer, type Server } from "../server/server.ts";
import { failedTasks, showAddress, volumeOf } from "../show/describe-end.ts";
import { elapsed, shortTask } from "../../show/job-names.ts";
import { countersOf, optionsOf, programText } from "../../show/job-text.ts";
import { showCount, showDuration, showTime } from "../../show/quantity.ts";
import { style, styleStatus } from "../show/style.ts";
import { oneLine, plainText } from "../show/text.ts";
import { example, serverCommand } from "./common.ts";

/** Lines of `name  value`; what has no value is left out. */
const fields = (pairs: readonly (readonly [string, string | undefined])[]): string[] => {
  const known = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined && pair[1] !== "");
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${style("bold", name.padEnd(width))}  ${plainText(value)}`);
};

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ["", style("bold", title), ...lines.map((line) => `  ${line}`)];

/** What is wrong with a job comes first: its conditions, its error, and the logs of the tasks that have failed. */
const describe = async (server: Server, job: JobDetail): Promise<string[]> => {
  const { status, error, conditions, heldUntil, progress } = job;
  const took = showDuration(elapsed(job));
  const lines = [
    `${style("bold", "job")}  ${job.id}  ${styleStatus(status)} ${job.endTime === null ? "for" : "in"} ${took}`,
  ];
  lines.push(
    ...section(
      "Conditions",
      conditions.map(
        ({ type, message, since }) => `${style("yellow", type)} since ${showTime(since)}: ${oneLine(message)}`,
      ),
    ),
  );
  if (error !== null) {
    const task = error.taskId === null ? "" : ` in ${shortTask(job.id, error.taskId)}`;
    lines.push(...section(`Error: ${error.code}${task}`, plainText(error.message).split("\n")));
  }
  for (const { task, log } of status === "failed" ? await failedTasks(server, job) : []) {
    const text = log === "" ? (task.error?.message ?? "") : log;
    const title = `${shortTask(job.id, task.id)}, attempt ${task.attempt}, on ${task.podName}, reads ${task.inputData.path}`;
    lines.push(...section(title, plainText(text.trimEnd()).split("\n")));
  }
  const tags = Object.entries(job.tags).map(([key, value]) => `${key}=${value}`);
  lines.push(
    "",
    ...fields([
      ["name", job.name ?? undefined],
      ["tags", tags.join(" ")],
      ["mapper", programText(job, "mapper")],
      ["combiner", programText(job, "combiner")],
      ["reducer", programText(job, "reducer")],
      ["input", showAddress(job.inputData.path)],
      ["output", showAddress(job.outputLocation.location)],
      ["cluster", job.cluster],
      ["posted", `${showTime(job.startTime)} by ${job.submittedBy}`],
      ["ended", job.endTime === null ? undefined : showTime(job.endTime)],
      ["kept until", heldUntil == null ? undefined : `${showTime(heldUntil)}, can be resumed`],
      ["rerun of", job.rerunOf ?? undefined],
      ["tasks", volumeOf(job)],
    ]),
  );
  const { maps, reduces } = progress;
  for (const [name, counts] of Object.entries({ maps, reduces })) {
    if (counts.total === 0) continue;
    lines.push(
      `${name}: ${counts.completed} of ${counts.total} completed, ${counts.running} running, ${counts.failed} failed`,
    );
  }
  lines.push(
    ...section(
      "Options",
      optionsOf(job).map(([name, value]) => `${name}  ${oneLine(value)}`),
    ),
  );
  lines.push(
    ...section(
      "Counters",
      countersOf(job).map(([name, value]) => `${oneLine(name)}  ${showCount(value)}`),
    ),
  );
  lines.push(...section("Output", job.outputs.slice(0, 10).map(showAddress)));
  return lines;
};

export const showCommand = (done: (code: ExitCode) => void) =>
  serverCommand("show", "Describe a job: what is wrong first, then what it is")
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .addHelpText("after", example("edgefold show @"))
    .action(async (text, options) => {
      await withServer(options, async (server) => {
        const job = await findJob(server, text);
        if (options.json === true) await writeJson(job);
        else await writeLine((await describe(server, job)).join("\n"));
      });
      done(exitCodes.ok);
    });

import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { Job, JobStatus } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { say, writeList } from "../output.ts";
import { withServer } from "../server/server.ts";
import { elapsed, nameOf, shortId } from "../../show/job-names.ts";
import { parseMoment, showDuration, showTime } from "../../show/quantity.ts";
import { styleStatus } from "../show/style.ts";
import type { Column } from "../show/table.ts";
import { collect, example, parseCount, serverCommand } from "./common.ts";

const parseTime = (text: string): number => {
  const time = parseMoment(text, Date.now());
  if (time === undefined) throw new InvalidArgumentError("Write 90m, 1d or 2026-11-29T12:00.");
  return time;
};

/** How much of a job is done, as its tasks that are through. */
const doneOf = ({ progress: { maps, reduces }, status }: Job): string => {
  const total = maps.total + reduces.total;
  return total === 0 || status === "completed"
    ? ""
    : `${Math.floor(((maps.completed + reduces.completed) / total) * 100)}%`;
};

const columns = (isTerminal: boolean): Column<Job>[] => [
  { title: "JOB", value: ({ id }) => (isTerminal ? shortId(id) : id) },
  { title: "STATUS", value: ({ status }) => status, paint: ({ status }, text) => styleStatus(status, text) },
  { title: "DONE", value: doneOf },
  { title: "STARTED", value: ({ startTime }) => showTime(startTime) },
  { title: "TOOK", value: (job) => showDuration(elapsed(job)) },
  { title: "BY", value: ({ submittedBy }) => submittedBy },
  { title: "NAME", value: nameOf },
];

export const jobsCommand = (done: (code: ExitCode) => void) =>
  serverCommand("jobs", "List jobs, newest first")
    .option("--status <words>", "of these statuses, separated by commas")
    .option("--name <part>", "with this in their names")
    .option("--tag <key=value>", "with this tag; repeatable", collect)
    .option("--program <name>", "that run this program")
    .option("--submitted-by <name>", "posted with this token")
    .option("--cluster <name>", "of this cluster")
    .option("--since <time>", "posted then or later: 1d, 90m, or a date", parseTime)
    .option("--until <time>", "posted before", parseTime)
    .option("-n, --limit <number>", "so many", parseCount, 20)
    .addHelpText("after", example("edgefold jobs --status failed --since 1d"))
    .action(async ({ limit, tag = [], status, ...options }) => {
      await withServer(options, async ({ client }) => {
        const { name, program, submittedBy, cluster, since, until } = options;
        const tags = Object.fromEntries(
          tag.map((text) => [text.split("=")[0] ?? "", text.slice(text.indexOf("=") + 1)]),
        );
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server refuses a word that is no status
        const statuses = status?.split(",") as JobStatus[] | undefined;
        const filter = { name, program, submittedBy, cluster, since, until, tags, status: statuses };
        const { items, next } = await client.jobs.list(filter).page({ limit });
        await writeList(items, columns(process.stdout.isTTY), options);
        if (process.stdout.isTTY && next !== undefined) say(`The first ${limit}; --limit shows more.`);
        if (process.stdout.isTTY && items.length === 0) say("There are no jobs.");
      });
      done(exitCodes.ok);
    });

import type { JournalEvent } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { writeLine } from "../output.ts";
import { findJobId } from "../server/find-job.ts";
import { withServer } from "../server/server.ts";
import { shortTask } from "../../show/job-names.ts";
import { showTime } from "../../show/quantity.ts";
import { style, styleStatus } from "../show/style.ts";
import { oneLine } from "../show/text.ts";
import { example, serverCommand } from "./common.ts";

/** What has happened, in words. */
const describe = (jobId: string, event: JournalEvent): string => {
  switch (event.kind) {
    case "job":
      return `job ${styleStatus(event.status)}${event.error === null ? "" : `: ${event.error.code}: ${oneLine(event.error.message)}`}`;
    case "progress": {
      const { maps, reduces } = event;
      return `${maps.completed} of ${maps.total} maps, ${reduces.completed} of ${reduces.total} reduces`;
    }
    case "task": {
      const { task, attempt, change, runner, speculative, error } = event;
      const how = speculative ? " (another attempt runs beside it)" : "";
      const why = error === null ? "" : `: ${oneLine(error.message)}`;
      return `${shortTask(jobId, task)}, attempt ${attempt}, ${styleStatus(change)} on ${runner}${how}${why}`;
    }
    case "condition":
      return event.set ? `${style("yellow", event.type)}: ${oneLine(event.message ?? "")}` : `${event.type} is over`;
    case "gap":
      return `events ${event.from} to ${event.id - 1} were removed`;
  }
};

export const eventsCommand = (done: (code: ExitCode) => void) =>
  serverCommand("events", "Print what happens to a job, from its beginning until it has ended")
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .option("--after <number>", "begin after the event of this number", Number)
    .addHelpText("after", example("edgefold events @", "edgefold events @ --json | jq 'select(.kind == \"task\")'"))
    .action(async (text, { after, json, ...options }) => {
      await withServer(options, async (server) => {
        const id = await findJobId(server, text);
        for await (const event of server.client.events(id, { after })) {
          const gap = process.stdout.isTTY ? "  " : "\t";
          const line = [showTime(event.time), event.id, describe(id, event)].join(gap);
          await writeLine(json === true ? JSON.stringify(event) : line);
        }
      });
      done(exitCodes.ok);
    });

import { exitCodes, type ExitCode } from "../failure.ts";
import { writeJson } from "../output.ts";
import { findJob } from "../server/find-job.ts";
import { withServer } from "../server/server.ts";
import { exitCodeOf, sayEnd } from "../show/describe-end.ts";
import { example, serverCommand } from "./common.ts";
import { watchToEnd } from "./watch-to-end.ts";

export const watchCommand = (done: (code: ExitCode) => void) =>
  serverCommand("watch", "Show how a job gets on until it has ended, with an exit code for how")
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .addHelpText("after", example("edgefold watch @ && notify-send 'the job is through'"))
    .action(async (text, options) => {
      await withServer(options, async (server) => {
        const job = await watchToEnd(server, await findJob(server, text));
        if (job === undefined) {
          done(exitCodes.interrupted);
          return;
        }
        await sayEnd(server, job);
        if (options.json === true) await writeJson(job);
        done(exitCodeOf(job));
      });
    });

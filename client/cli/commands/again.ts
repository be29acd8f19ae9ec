import { exitCodes, type ExitCode } from "../failure.ts";
import { say, writeJson, writeLine } from "../output.ts";
import { addCredentials, fieldsOf, JobOptionsSchema } from "../request/job-request.ts";
import { findJob } from "../server/find-job.ts";
import { withServer, type Server } from "../server/server.ts";
import { exitCodeOf, sayEnd } from "../show/describe-end.ts";
import type { JobDetail } from "../../sdk/index.ts";
import type { OutputOptions } from "../output.ts";
import { example, jobOptions, serverCommand, valuesOf } from "./common.ts";
import { watchToEnd } from "./watch-to-end.ts";

/** Jobs that are started again, or taken up where they have failed. */

const follow = async (server: Server, job: JobDetail, { json }: OutputOptions): Promise<ExitCode> => {
  const ended = await watchToEnd(server, job);
  if (ended === undefined) return exitCodes.interrupted;
  await sayEnd(server, ended);
  if (json === true) await writeJson(ended);
  else await writeLine(ended.id);
  return exitCodeOf(ended);
};

/** The fields that are to replace those of a job, with credentials for its stores, which the server tells nobody. */
const changesFor = async (server: Server, { request }: JobDetail, values: Record<string, unknown>) => {
  const options = JobOptionsSchema.parse(values);
  const changes = await fieldsOf(server, options, say);
  await addCredentials(server, changes, request, options);
  return changes;
};

const againCommand = (name: "rerun" | "resume", summary: string) => {
  const command = serverCommand(name, summary)
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .option("-d, --detach", "do not wait for the job's end");
  for (const option of jobOptions()) command.addOption(option);
  return command;
};

export const rerunCommand = (done: (code: ExitCode) => void) => {
  const command = againCommand("rerun", "Start a job like an earlier one, with some things replaced");
  return command.addHelpText("after", example("edgefold rerun @ --mapper fixed.py")).action(async (text, options) => {
    await withServer(options, async (server) => {
      const earlier = await findJob(server, text);
      const job = await server.client.jobs.rerun(earlier.id, await changesFor(server, earlier, valuesOf(command)));
      say(`job ${job.id}`);
      if (options.detach === true && !server.isOwn) {
        await (options.json === true ? writeJson(job) : writeLine(job.id));
        done(exitCodes.ok);
      } else done(await follow(server, job, options));
    });
  });
};

export const resumeCommand = (done: (code: ExitCode) => void) => {
  const command = againCommand(
    "resume",
    "Take up a failed job that was started with --keep-failed, with some things replaced",
  );
  return command.addHelpText("after", example("edgefold resume @ --reducer fixed.py")).action(async (text, options) => {
    await withServer(options, async (server) => {
      const failed = await findJob(server, text);
      const job = await server.client.jobs.resume(failed.id, await changesFor(server, failed, valuesOf(command)));
      if (options.detach === true && !server.isOwn) {
        await (options.json === true ? writeJson(job) : writeLine(job.id));
        done(exitCodes.ok);
      } else done(await follow(server, job, options));
    });
  });
};

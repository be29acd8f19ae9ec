import type { JobChanges, JobDetail } from "../../sdk/index.ts";
import { exitCodes, type ExitCode } from "../failure.ts";
import { say, writeAnswer, type OutputOptions } from "../output.ts";
import { addCredentials, fieldsOf, JobOptionsSchema, supersededBy } from "../request/job-request.ts";
import { findJob } from "../server/find-job.ts";
import { withServer, type Server } from "../server/server.ts";
import { exitCodeOf, sayEnd } from "../show/describe-end.ts";
import { example, jobOptions, serverCommand, valuesOf } from "./common.ts";
import { watchToEnd } from "./watch-to-end.ts";

/** Jobs that are started again, or taken up where they have failed. */

/** The fields that are to replace those of a job, with credentials for its stores, which the server tells nobody. */
const changesFor = async (
  server: Server,
  { request }: JobDetail,
  values: Record<string, unknown>,
): Promise<JobChanges> => {
  const options = JobOptionsSchema.parse(values);
  const changes = await fieldsOf(server, options, say);
  for (const field of supersededBy(changes)) if (field in request) changes[field] = null;
  await addCredentials(server, changes, request, options);
  return changes;
};

/** Waits for a job, and says how it has ended. */
const finish = async (server: Server, job: JobDetail, options: OutputOptions): Promise<ExitCode> => {
  const ended = await watchToEnd(server, job);
  if (ended === undefined) return exitCodes.interrupted;
  await sayEnd(server, ended);
  await writeAnswer(ended, ended.id, options);
  return exitCodeOf(ended);
};

type Again = {
  readonly name: string;
  readonly summary: string;
  readonly line: string;
  readonly start: (server: Server, id: string, changes: JobChanges) => Promise<JobDetail>;
};

const againCommand = (done: (code: ExitCode) => void, { name, summary, line, start }: Again) => {
  const command = serverCommand(name, summary)
    .argument("<job>", "an id, a part of it, or @ for the latest job")
    .option("-d, --detach", "do not wait for the job's end")
    .addHelpText("after", example(line));
  for (const option of jobOptions()) command.addOption(option);
  return command.action(async (text, options) => {
    await withServer(options, async (server) => {
      const earlier = await findJob(server, text);
      const job = await start(server, earlier.id, await changesFor(server, earlier, valuesOf(command)));
      say(`job ${job.id}`);
      if (options.detach === true && !server.isOwn) {
        await writeAnswer(job, job.id, options);
        done(exitCodes.ok);
      } else done(await finish(server, job, options));
    });
  });
};

export const rerunCommand = (done: (code: ExitCode) => void) =>
  againCommand(done, {
    name: "rerun",
    summary: "Start a job like an earlier one, with some things replaced",
    line: "edgefold rerun @ --mapper fixed.py",
    start: async ({ client }, id, changes) => await client.jobs.rerun(id, changes),
  });

export const resumeCommand = (done: (code: ExitCode) => void) =>
  againCommand(done, {
    name: "resume",
    summary: "Take up a failed job that was started with --keep-failed, with some things replaced",
    line: "edgefold resume @ --reducer fixed.py",
    start: async ({ client }, id, changes) => await client.jobs.resume(id, changes),
  });

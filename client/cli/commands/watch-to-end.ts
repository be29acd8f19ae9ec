import type { JobDetail } from "../../sdk/index.ts";
import { exitCodes } from "../failure.ts";
import { say } from "../output.ts";
import type { Server } from "../server/server.ts";
import { followJob } from "../show/follow-job.ts";
import { shortId } from "../../show/job-names.ts";

/** What is done when the user presses Ctrl-C while a job is watched. */
const watchInterrupt = (): { readonly signal: AbortSignal; readonly isInterrupted: () => boolean; end(): void } => {
  const abort = new AbortController();
  const onInterrupt = (): void => {
    // Whoever presses it again waits for nothing.
    if (abort.signal.aborted) process.exit(exitCodes.interrupted);
    abort.abort(new Error("interrupted"));
  };
  process.on("SIGINT", onInterrupt);
  return {
    signal: abort.signal,
    isInterrupted: () => abort.signal.aborted,
    end: () => void process.off("SIGINT", onInterrupt),
  };
};

/**
 * Shows how a job gets on until it has ended; Ctrl-C leaves it, or stops it where its server ends with this command.
 * @returns the ended job, or undefined where it was left
 */
export const watchToEnd = async (server: Server, job: JobDetail): Promise<JobDetail | undefined> => {
  const interrupt = watchInterrupt();
  try {
    return await followJob(server, job, interrupt.signal);
  } catch (error) {
    if (!interrupt.isInterrupted()) throw error;
    if (server.isOwn) {
      say("Stopping the job …");
      await server.client.jobs.stop(job.id).catch(() => undefined);
      return await server.client.jobs.wait(job.id);
    }
    say(`\nThe job goes on. Come back with: edgefold watch ${shortId(job.id)}`);
    return undefined;
  } finally {
    interrupt.end();
  }
};

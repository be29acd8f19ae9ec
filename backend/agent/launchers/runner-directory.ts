import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { reap } from "../../process-ledger.ts";

/** Where the process launcher keeps its things under the agent's directory. */
export const ledgerDirectory = (agentDir: string): string => join(agentDir, "ledger");
const runnersDirectory = (agentDir: string): string => join(agentDir, "runners");
const jobFile = (path: string): string => join(path, "job");
const programsDirectory = (path: string): string => join(path, "programs");

/** A runner's own directory, which goes with it. */
export type RunnerDirectory = {
  readonly path: string;
  /** For the runner's files. */
  readonly work: string;
  /** The ledger of the process groups that the runner starts. */
  readonly programs: string;
};

export const makeRunnerDirectory = (agentDir: string, jobId: string, runnerId: string): RunnerDirectory => {
  const path = join(runnersDirectory(agentDir), runnerId);
  const work = join(path, "work");
  const programs = programsDirectory(path);
  mkdirSync(work, { recursive: true });
  mkdirSync(programs);
  writeFileSync(jobFile(path), jobId);
  return { path, work, programs };
};

/** Ends the programs of a runner that is gone, and removes its directory. */
export const removeRunnerDirectory = async (path: string): Promise<void> => {
  await reap(programsDirectory(path));
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
};

/** A runner that an earlier agent had started. */
type Leftover = { readonly jobId: string; readonly runnerId: string };

/**
 * Ends what an earlier agent in the same directory has left: its runners, then what those had started, then their files.
 * @returns the runners that are gone for certain now
 */
export const reapLeftovers = async (agentDir: string): Promise<Leftover[]> => {
  await reap(ledgerDirectory(agentDir));
  let runnerIds: string[];
  try {
    runnerIds = readdirSync(runnersDirectory(agentDir));
  } catch {
    return [];
  }
  const leftovers = await Promise.all(
    runnerIds.map(async (runnerId): Promise<Leftover[]> => {
      const path = join(runnersDirectory(agentDir), runnerId);
      const jobId = readJob(path);
      await removeRunnerDirectory(path);
      return jobId === undefined ? [] : [{ jobId, runnerId }];
    }),
  );
  return leftovers.flat();
};

const readJob = (path: string): string | undefined => {
  try {
    return readFileSync(jobFile(path), "utf8") || undefined;
  } catch {
    return undefined; // The agent was killed before it had started this runner.
  }
};

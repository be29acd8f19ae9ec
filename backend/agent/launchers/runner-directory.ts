import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeFolder } from "../../folders.ts";
import { reap } from "../../process-ledger.ts";

/** The layout of the process launcher's files under the agent's directory. */
export const ledgerDirectory = (agentDir: string): string => join(agentDir, "ledger");
const runnersDirectory = (agentDir: string): string => join(agentDir, "runners");
const jobFile = (path: string): string => join(path, "job");
const exitsDirectory = (agentDir: string): string => join(agentDir, "exits");
const programsDirectory = (path: string): string => join(path, "programs");

/** A runner's own directory, which is removed with the runner. */
type RunnerDirectory = {
  /** The directory for the runner's files. */
  readonly work: string;
  /** The ledger of the process groups that the runner starts. */
  readonly programs: string;
};

export const makeRunnerDirectory = (agentDir: string, runnerId: string): RunnerDirectory => {
  const path = join(runnersDirectory(agentDir), runnerId);
  const work = join(path, "work");
  const programs = programsDirectory(path);
  mkdirSync(work, { recursive: true });
  mkdirSync(programs);
  return { work, programs };
};

/** Records the job of a runner before the runner receives it. From then on, this agent or the next one reports its end. */
export const noteJob = (agentDir: string, runnerId: string, jobId: string): void =>
  writeFileSync(jobFile(join(runnersDirectory(agentDir), runnerId)), jobId);

/**
 * Ends the programs of a runner that is gone, and removes its directory. If the runner had a job, a record of its end remains
 * until the Worker knows. Whenever this process is killed, the next one finds either the directory or the record, and reports
 * the end.
 */
export const removeRunnerDirectory = async (agentDir: string, runnerId: string): Promise<void> => {
  const path = join(runnersDirectory(agentDir), runnerId);
  await reap(programsDirectory(path));
  const jobId = readJob(jobFile(path));
  if (jobId !== undefined) {
    mkdirSync(exitsDirectory(agentDir), { recursive: true });
    writeFileSync(join(exitsDirectory(agentDir), runnerId), jobId);
  }
  await removeFolder(path);
};

/** Removes the record of a runner's end once the Worker knows. @param known resolves to whether it does */
export const forgetExit = async (agentDir: string, runnerId: string, known: Promise<boolean>): Promise<void> => {
  if (await known) rmSync(join(exitsDirectory(agentDir), runnerId), { force: true });
};

/** A runner that an earlier agent started. */
type Leftover = { readonly jobId: string; readonly runnerId: string };

/**
 * Cleans up after an earlier agent in the same directory: ends its runners, then the programs they started, then removes files.
 * @returns the runners that are now certainly gone, and whose end the Worker may not know
 */
export const reapLeftovers = async (agentDir: string): Promise<Leftover[]> => {
  await reap(ledgerDirectory(agentDir));
  await Promise.all(namesIn(runnersDirectory(agentDir)).map((runnerId) => removeRunnerDirectory(agentDir, runnerId)));
  return namesIn(exitsDirectory(agentDir)).flatMap((runnerId) => {
    const jobId = readJob(join(exitsDirectory(agentDir), runnerId));
    return jobId === undefined ? [] : [{ jobId, runnerId }];
  });
};

const namesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

const readJob = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8") || undefined;
  } catch {
    return undefined; // The runner was not assigned a job.
  }
};

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeFolder } from "../../folders.ts";
import { reap } from "../../process-ledger.ts";

/** Where the process launcher keeps its things under the agent's directory. */
export const ledgerDirectory = (agentDir: string): string => join(agentDir, "ledger");
const runnersDirectory = (agentDir: string): string => join(agentDir, "runners");
const jobFile = (path: string): string => join(path, "job");
const exitsDirectory = (agentDir: string): string => join(agentDir, "exits");
const programsDirectory = (path: string): string => join(path, "programs");

/** A runner's own directory, which goes with it. */
type RunnerDirectory = {
  /** For the runner's files. */
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

/** Notes the job of a runner, before the runner hears of it: from now on its end is reported, whoever finds it. */
export const noteJob = (agentDir: string, runnerId: string, jobId: string): void =>
  writeFileSync(jobFile(join(runnersDirectory(agentDir), runnerId)), jobId);

/**
 * Ends the programs of a runner that is gone, and removes its directory. Where it was given a job, what remains is a record of
 * its end, until the Worker knows: whenever this process is killed, the next one finds either the directory or the record, and
 * reports it.
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

/** Forgets a runner's end once the Worker knows of it. @param known whether it does: what reporting the end resolves with */
export const forgetExit = async (agentDir: string, runnerId: string, known: Promise<boolean>): Promise<void> => {
  if (await known) rmSync(join(exitsDirectory(agentDir), runnerId), { force: true });
};

/** A runner that an earlier agent had started. */
type Leftover = { readonly jobId: string; readonly runnerId: string };

/**
 * Ends what an earlier agent in the same directory has left: its runners, then what those had started, then their files.
 * @returns the runners that are gone for certain now, and of whose end the Worker may not know
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
    return undefined; // The runner was not given a job.
  }
};

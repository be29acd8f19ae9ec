import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import { groupAlive, sendSignal } from "../../backend/process-groups.ts";
import type { Guarded } from "../../backend/host/guarded.ts";
import type { Edgefold } from "./edgefold.ts";
import { processesThatHave, processesWith, type Found } from "./proc.ts";
import { until, untilNone } from "./until.ts";

/** A runner's process and directory; the file `job` in the directory names its job. */
type FoundRunner = { readonly pid: number; readonly directory: string; readonly jobId: string | undefined };

/** All runners on this machine. */
const runners = (): FoundRunner[] =>
  processesThatHave("WORK_DIR").map(({ pid, value }) => {
    const directory = dirname(value);
    return { pid, directory, jobId: readJob(directory) };
  });

/** A runner with a running attempt, which has a directory as long as it runs. */
export type RunnerAtWork = { readonly pid: number; readonly runnerId: string; readonly jobId: string };

/** The runners of an agent that currently have a running attempt. */
export const runnersAtWork = (edgefold: Edgefold): RunnerAtWork[] =>
  runners().flatMap(({ pid, directory, jobId }) =>
    jobId !== undefined && dirname(directory) === runnersIn(edgefold) && hasAttempt(directory)
      ? [{ pid, runnerId: basename(directory), jobId }]
      : [],
  );

/** Whether the runner with this directory has a running attempt. */
const hasAttempt = (directory: string): boolean => {
  try {
    return readdirSync(join(directory, "work/tasks")).length > 0;
  } catch {
    return false; // It has had none yet.
  }
};

/** Whether a runner of an agent currently has a running attempt. */
export const isAtWork = (edgefold: Edgefold, runnerId: string): boolean =>
  hasAttempt(join(runnersIn(edgefold), runnerId));

const readJob = (directory: string): string | undefined => {
  try {
    return readFileSync(join(directory, "job"), "utf8");
  } catch {
    return undefined; // It is waiting for a job, or its directory is being removed.
  }
};

/** The runners of an agent that are waiting for a job. */
export const sparesOf = (edgefold: Edgefold): number[] =>
  runners()
    .filter(({ directory, jobId }) => dirname(directory) === runnersIn(edgefold) && jobId === undefined)
    .flatMap(({ pid, directory }) => (existsSync(directory) ? [pid] : []));

/** The directory in which each of an agent's runners has its own. */
const runnersIn = (edgefold: Edgefold): string => join(edgefold.stateDir, "agent", "runners");

/** What an agent's runners with a job consist of: their processes, the processes that they started, and their directories. */
export const workOf = (edgefold: Edgefold): (Found | string)[] => {
  const spares = sparesOf(edgefold);
  const directory = runnersIn(edgefold);
  return [
    ...processesWith(directory).filter(({ pid }) => !spares.includes(pid)),
    ...readdirSync(directory).filter((name) => readJob(join(directory, name)) !== undefined),
  ];
};

/** The runners of a job, and the programs that they started. */
export const processesOf = (jobId: string): number[] => [
  ...new Set([...runnersOf(jobId), ...processesWith(jobId).map(({ pid }) => pid)]),
];

/** The running programs of a job. */
export const programsOf = (jobId: string): number[] => processesWith(`EDGEFOLD_JOB_ID=${jobId}`).map(({ pid }) => pid);

/** The running runners of a job. */
export const runnersOf = (jobId: string): number[] =>
  runners().flatMap((runner) => (runner.jobId === jobId ? [runner.pid] : []));

/** A job's only runner. */
export const onlyRunnerOf = (jobId: string): number => {
  const [runner, ...others] = runnersOf(jobId);
  if (runner === undefined || others.length > 0) throw new Error(`the job has not one runner, ${others.length} more`);
  return runner;
};

/** The process of the runner that is running a task of a job. */
export const runnerOf = async (edgefold: Edgefold, jobId: string, taskId: string): Promise<number> => {
  const task = (await edgefold.tasks(jobId)).find(({ id }) => id === taskId);
  const runner = processesThatHave("RUNNER_ID").find(({ value }) => value === task?.podName);
  if (runner === undefined) throw new Error(`no runner is at work on ${taskId}: ${JSON.stringify(task)}`);
  return runner.pid;
};

/** The process group of the local host. */
export const workerGroupOf = ({ worker }: Edgefold): number => pidOf(worker);

const pidOf = (part: Guarded | undefined): number => {
  if (part?.pid === undefined) throw new Error("this part of the Edgefold does not run");
  return part.pid;
};

const isOpen = async (port: number): Promise<boolean> => {
  const socket = connect(port, "localhost");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** `kill -9` of the local host and its workerd. */
export const killWorker = async ({ worker, port }: Edgefold): Promise<void> => {
  const group = pidOf(worker);
  sendSignal(-group, "SIGKILL");
  await worker?.exited;
  await until("the end of the local host", () => (groupAlive(group) ? undefined : true));
  // A killed process counts as dead before its last threads end and its port is free.
  await until("the end of its port", async () => ((await isOpen(port)) ? undefined : true));
};

/** The agent's own process. */
export const agentOf = ({ agent }: Edgefold): number => {
  const guard = pidOf(agent);
  const [child, ...others] = readFileSync(`/proc/${guard}/task/${guard}/children`, "utf8").trim().split(" ");
  if (child === undefined || others.length > 0) throw new Error("the guard guards something else than one agent");
  return Number(child);
};

/** `kill -9` of the agent's own process; its runners are left alone. */
export const killAgent = async (edgefold: Edgefold): Promise<void> => {
  sendSignal(agentOf(edgefold), "SIGKILL");
  await edgefold.agent?.exited;
};

/** Waits until the runners of a job and their programs have ended. */
export const runnersGone = async (jobId: string): Promise<void> =>
  untilNone("processes of a job whose agent was killed", () => processesOf(jobId));

import { readdirSync, readFileSync } from "node:fs";
import { isRunning, processStartTime } from "../../backend/process-groups.ts";

/** The content of a file below `/proc`; empty if the process has ended or belongs to another user. */
const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

export type Found = { readonly pid: number; readonly command: string };

/** The command line of a process, each argument terminated by NUL; empty if it has ended. */
export const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`);

/** The length of a tick in `/proc/<pid>/stat`, in ms: USER_HZ is 100 on Linux. */
const tickMs = 10;

/** The fields of `/proc/<pid>/stat` (proc_pid_stat(5)) from the third on, which follows the command. */
const statOf = (pid: number): string[] => {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
};

/** Whether the process is alive; a zombie of which no thread is left is not. */
export const isAlive = (pid: number): boolean => isRunning(pid, processStartTime(pid) ?? "");

/** The processor time that a process has used so far, in user and kernel mode, in ms. */
export const processorMs = (pid: number): number => {
  // utime is field 14, stime 15.
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
};

/** The processor time of those descendants of a process that have ended and were waited for, in ms. */
export const endedProcessorMs = (pid: number): number => {
  // cutime is field 16, cstime 17.
  const fields = statOf(pid);
  return (Number(fields[13]) + Number(fields[14])) * tickMs;
};

/** The processor time of processes and all their descendants so far, in ms. Descendants that nobody waited for are lost. */
export const treeProcessorMs = (roots: readonly number[]): number => {
  // Includes zombies, whose parents do not yet count their time.
  const parents = new Map(pids().map((pid) => [pid, Number(statOf(pid)[1])]));
  const isInTree = (pid: number): boolean => {
    const parent = parents.get(pid);
    return roots.includes(pid) || (parent !== undefined && parent !== pid && isInTree(parent));
  };
  return [...parents.keys()]
    .filter(isInTree)
    .reduce((sum, pid) => sum + (processorMs(pid) || 0) + (endedProcessorMs(pid) || 0), 0);
};

/** In MiB: now, and the peak so far. */
export type Memory = { readonly now: number; readonly peak: number };

/** The resident memory of a process. */
export const memoryOf = (pid: number): Memory => {
  const status = read(`/proc/${pid}/status`);
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);
  return { now: kib("VmRSS") / 1024, peak: kib("VmHWM") / 1024 };
};

const pids = (): number[] => readdirSync("/proc").map(Number).filter(Number.isInteger);

/** The live processes, except this one. */
const processes = (): number[] => pids().filter((pid) => pid !== process.pid && isAlive(pid));

/** The environment a process was started with, as `NAME=value`; empty if it has ended or belongs to another user. */
export const environmentOf = (pid: number): string[] =>
  read(`/proc/${pid}/environ`)
    .split("\0")
    .filter((entry) => entry !== "");

/** The live processes, except this one, with `marker` on their command line or in their environment. */
export const processesWith = (marker: string): Found[] =>
  processes().flatMap((pid) => {
    const command = commandOf(pid);
    if (!command.includes(marker) && !environmentOf(pid).some((entry) => entry.includes(marker))) return [];
    return [{ pid, command: command.replaceAll("\0", " ").trim() }];
  });

/** The live processes, except this one, that were started with this variable, each with its value. */
export const processesThatHave = (name: string): { readonly pid: number; readonly value: string }[] =>
  processes().flatMap((pid) => {
    const entry = environmentOf(pid).find((one) => one.startsWith(`${name}=`));
    return entry === undefined ? [] : [{ pid, value: entry.slice(name.length + 1) }];
  });

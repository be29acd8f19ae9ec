import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** A process that has not ended. Zombies count as ended. */
export type ProcessInfo = {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** When the process started. With the pid, this identifies a process uniquely. Compare with `===` or `startedSince`. */
  readonly startTime: string;
};

const onLinux = process.platform === "linux";

let bootId: string | undefined;
/** Start times count from the boot, so times of different boots cannot be compared. */
const currentBoot = (): string => (bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());

type Stat = {
  /** Whether the process has ended, and what it held, like its ports, is free. */
  readonly isGone: boolean;
  readonly info: ProcessInfo;
};

/** The states of a process that has ended, even if its parent does not know yet. */
const endedStates = /^[ZXx]/;

/** Reads `/proc/<pid>/stat`. The second field is the command in parentheses, which can itself contain spaces and parentheses. */
const readStat = (pid: number): Stat | undefined => {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // Field 3 follows the command; the number of threads is field 20, the start time field 22. A killed process counts as a zombie
  // as soon as its first thread has ended. Its other threads hold its files and ports until they have ended, too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent, group, session] = fields;
  const startTime = `${currentBoot()}/${fields[19] ?? ""}`;
  return {
    isGone: endedStates.test(state) && Number(fields[17]) <= 1,
    info: { pid, parent: Number(parent), group: Number(group), session: Number(session), startTime },
  };
};

/** Lists the processes that `selection` matches, using `ps`. Not every `ps` reports sessions. The start time is a date. */
const ps = (...selection: string[]): Stat[] => {
  let text: string;
  try {
    const options = { encoding: "utf8", env: { ...process.env, LC_ALL: "C", TZ: "UTC" } } as const;
    text = execFileSync("ps", [...selection, "-o", "pid=,ppid=,pgid=,stat=,lstart="], { ...options, stdio: "pipe" });
  } catch {
    return []; // No such process.
  }
  return text.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
    if (match === null) return [];
    const [pid = 0, parent = 0, group = 0] = match.slice(1, 4).map(Number);
    const [state = "", startTime = ""] = match.slice(4);
    return [{ isGone: endedStates.test(state), info: { pid, parent, group, session: 0, startTime } }];
  });
};

/** Returns when the process with this pid started, even if it is now a zombie; undefined if there is no such process. */
export const processStartTime = (pid: number): string | undefined =>
  (onLinux ? readStat(pid) : ps("-p", String(pid))[0])?.info.startTime;

/** Whether the process with this pid and start time is still running. */
export const isRunning = (pid: number, startTime: string): boolean => {
  const found = onLinux ? readStat(pid) : ps("-p", String(pid))[0];
  return found !== undefined && found.info.startTime === startTime && !found.isGone;
};

/** Returns the other processes that have a file open, with their command names. Empty on systems other than Linux. */
export const processesThatHold = (path: string): { readonly pid: number; readonly command: string }[] =>
  onLinux ? pids().flatMap((pid) => (holds(pid, path) ? [{ pid, command: commandOf(pid) }] : [])) : [];

const pids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

const holds = (pid: number, path: string): boolean => {
  try {
    const folder = `/proc/${pid}/fd`;
    return pid !== process.pid && readdirSync(folder).some((name) => readlinkSync(`${folder}/${name}`) === path);
  } catch {
    return false; // The process has ended, or belongs to another user.
  }
};

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "ended";
  }
};

/** All live processes. */
export const liveProcesses = (): ProcessInfo[] => {
  const all = onLinux ? pids().flatMap((pid) => readStat(pid) ?? []) : ps("-A");
  return all.filter(({ isGone }) => !isGone).map(({ info }) => info);
};

/** The live processes of a group. */
export const groupMembers = (group: number): ProcessInfo[] =>
  liveProcesses().filter((process) => process.group === group);

/** Whether any process of the group is alive. */
export const groupAlive = (group: number): boolean => groupMembers(group).length > 0;

/** Whether `time` is `reference` or later. On Linux, false for times of different boots. */
export const startedSince = (time: string, reference: string): boolean => {
  if (!onLinux) return Date.parse(time) >= Date.parse(reference);
  const [boot, ticks] = time.split("/");
  const [referenceBoot, referenceTicks] = reference.split("/");
  return boot === referenceBoot && Number(ticks) >= Number(referenceTicks);
};

/** Sends a signal to a process, or to a group if `target` is negative. Does nothing if the target no longer exists. */
export const sendSignal = (target: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(target, signal);
  } catch {
    // The target is gone, or its id now belongs to another user's process.
  }
};

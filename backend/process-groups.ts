import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** A process that has not ended; one that has, but whose parent has not asked for its status, does not count. */
export type ProcessInfo = {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** When it started: together with the pid it names a process for ever. Compared, and ordered by `startedSince`. */
  readonly startTime: string;
};

const onLinux = process.platform === "linux";

let bootId: string | undefined;
/** Start times count from the boot, so that two of different boots say nothing to each other. */
const currentBoot = (): string => (bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());

/** Reads `/proc/<pid>/stat`. The second field is the command in parentheses, and may hold spaces and parentheses itself. */
const readStat = (pid: number): { state: string; info: ProcessInfo } | undefined => {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // What follows the command begins with field 3; the start time is field 22.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent, group, session] = fields;
  const startTime = `${currentBoot()}/${fields[19] ?? ""}`;
  return { state, info: { pid, parent: Number(parent), group: Number(group), session: Number(session), startTime } };
};

const isGone = (state: string): boolean => /^[ZXx]/.test(state);

/** What `ps` says of the processes that `selection` names. It knows no sessions everywhere, and the start time is a date. */
const ps = (...selection: string[]): { state: string; info: ProcessInfo }[] => {
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
    return [{ state, info: { pid, parent, group, session: 0, startTime } }];
  });
};

/** When the process with this pid started, also if it has just ended and nobody has noticed; undefined when there is none. */
export const processStartTime = (pid: number): string | undefined =>
  (onLinux ? readStat(pid) : ps("-p", String(pid))[0])?.info.startTime;

/** Whether the process that had this pid and start time has not ended. */
export const isRunning = (pid: number, startTime: string): boolean => {
  const found = onLinux ? readStat(pid) : ps("-p", String(pid))[0];
  return found !== undefined && found.info.startTime === startTime && !isGone(found.state);
};

/** The processes that have a file open, with the names of their commands. None where the system does not tell. */
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
    return false; // It has ended, or is another user's.
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
  return all.filter(({ state }) => !isGone(state)).map(({ info }) => info);
};

/** The live processes of a group. */
export const groupMembers = (group: number): ProcessInfo[] =>
  liveProcesses().filter((process) => process.group === group);

/** Whether a process of the group lives. */
export const groupAlive = (group: number): boolean => groupMembers(group).length > 0;

/** Whether `time` is `reference` or later. Times of different boots are in no order. */
export const startedSince = (time: string, reference: string): boolean => {
  if (!onLinux) return Date.parse(time) >= Date.parse(reference);
  const [boot, ticks] = time.split("/");
  const [referenceBoot, referenceTicks] = reference.split("/");
  return boot === referenceBoot && Number(ticks) >= Number(referenceTicks);
};

/** Sends a signal to a process, or with a negative number to a group, that may be gone. */
export const sendSignal = (target: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(target, signal);
  } catch {
    // It is gone, or was replaced by a stranger's.
  }
};

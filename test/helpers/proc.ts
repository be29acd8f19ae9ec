import { readdirSync, readFileSync } from "node:fs";

/** What is in a file below `/proc`; empty where the process has ended or is another user's. */
const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** Whether the process lives; one that has ended and whose parent has not asked for its status does not. */
export const isAlive = (pid: number): boolean => {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !/^[ZXx]/.test(stat.slice(stat.lastIndexOf(")") + 2));
};

export type Found = { readonly pid: number; readonly command: string };

/** The live processes, but for this one. */
const processes = (): number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && isAlive(pid));

/** What a process was started with, as `NAME=value`; nothing where it has ended or is another user's. */
export const environmentOf = (pid: number): string[] =>
  read(`/proc/${pid}/environ`)
    .split("\0")
    .filter((entry) => entry !== "");

/** The live processes, but for this one, that have `marker` on their command line or in their environment. */
export const processesWith = (marker: string): Found[] =>
  processes().flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`);
    if (!command.includes(marker) && !environmentOf(pid).some((entry) => entry.includes(marker))) return [];
    return [{ pid, command: command.replaceAll("\0", " ").trim() }];
  });

/** The live processes, but for this one, that were started with this variable, each with its value. */
export const processesThatHave = (name: string): { readonly pid: number; readonly value: string }[] =>
  processes().flatMap((pid) => {
    const entry = environmentOf(pid).find((one) => one.startsWith(`${name}=`));
    return entry === undefined ? [] : [{ pid, value: entry.slice(name.length + 1) }];
  });

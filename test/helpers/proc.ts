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

/** The live processes, but for this one, that have `marker` on their command line or in their environment. */
export const processesWith = (marker: string): Found[] =>
  readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid || !isAlive(pid)) return [];
    const command = read(`/proc/${pid}/cmdline`);
    if (!command.includes(marker) && !read(`/proc/${pid}/environ`).includes(marker)) return [];
    return [{ pid, command: command.replaceAll("\0", " ").trim() }];
  });

import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * A mark is a number that identifies everything a process starts, even after a descendant changes its group, session, parent,
 * arguments or open files. All descendants inherit it in two ways:
 *
 * - the file lock limit, `RLIMIT_LOCKS`, which has had no effect since Linux 2.4.25 (setrlimit(2)). An unprivileged process can
 *   lower it but not raise it. It survives `env -i`.
 * - the variable `EDGEFOLD_PROCESS_MARK`, for systems where the limit cannot be set.
 */
export const markVariable = "EDGEFOLD_PROCESS_MARK";

/** Marks are far above any real limit. */
const leastMark = 2 ** 46;

/** Sets a new mark on everything that this process starts from now on. @returns the mark */
export const setMark = (): number => {
  const mark = randomInt(leastMark, 2 * leastMark);
  process.env[markVariable] = String(mark);
  try {
    execFileSync("prlimit", [`--pid=${process.pid}`, `--locks=${mark}`], { stdio: "ignore" });
  } catch {
    // The command is missing, or the limit is already lower. The variable has to suffice.
  }
  return mark;
};

/** Whether a process carries the mark. False if the system does not tell. */
export const carriesMark = (pid: number, mark: number): boolean =>
  new RegExp(`^Max file locks +${mark} `, "m").test(read(`/proc/${pid}/limits`)) ||
  `\0${read(`/proc/${pid}/environ`)}\0`.includes(`\0${markVariable}=${mark}\0`);

/** Reads a file. Returns an empty string if the process has ended or the file is not readable. */
const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};

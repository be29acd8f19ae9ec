import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * A mark is a number by which everything that a process starts can be found again, whatever it does to its group, its
 * session, its parents, its arguments and its open files. Two things carry it to all descendants:
 *
 * - the limit of file locks, `RLIMIT_LOCKS`, which has had no effect since Linux 2.4.25 (setrlimit(2)). An unprivileged
 *   process can lower it, and cannot raise it. It survives `env -i`.
 * - the variable `EDGEFOLD_PROCESS_MARK`, for where the limit cannot be set.
 */
export const markVariable = "EDGEFOLD_PROCESS_MARK";

/** Marks are far above any limit that is set for its own sake. */
const leastMark = 2 ** 46;

/** Makes everything that this process starts from now on carry a new mark. @returns the mark */
export const setMark = (): number => {
  const mark = randomInt(leastMark, 2 * leastMark);
  process.env[markVariable] = String(mark);
  try {
    execFileSync("prlimit", [`--pid=${process.pid}`, `--locks=${mark}`], { stdio: "ignore" });
  } catch {
    // There is no such command here, or the limit is lower already: the variable has to do.
  }
  return mark;
};

/** Whether a process carries the mark. False where the system does not tell. */
export const carriesMark = (pid: number, mark: number): boolean =>
  new RegExp(`^Max file locks +${mark} `, "m").test(read(`/proc/${pid}/limits`)) ||
  `\0${read(`/proc/${pid}/environ`)}\0`.includes(`\0${markVariable}=${mark}\0`);

/** Empty where the process has ended, or its file may not be read. */
const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};

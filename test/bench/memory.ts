import { readFileSync } from "node:fs";

/** The peak memory of this process so far (VmHWM), in MiB. */
export const ownPeak = (): number => {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  if (kib === undefined) throw new Error("this system does not say how much memory a process has had");
  return Number(kib) / 1024;
};

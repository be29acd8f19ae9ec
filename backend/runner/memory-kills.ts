import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ProgramError } from "./programs/program.ts";

/** The memory state of a container's cgroup. */
type Memory = {
  /** How many processes of the container the kernel has killed for lack of memory since the container started. */
  readonly kills: number;
  /** The memory limit in bytes; undefined if the container has none of its own. */
  readonly limit: number | undefined;
};

/** Where each version of cgroups keeps both. */
const places = [
  // https://docs.kernel.org/admin-guide/cgroup-v2.html, "Memory Interface Files"
  { events: "memory.events", limit: "memory.max" },
  // https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
  { events: "memory/memory.oom_control", limit: "memory/memory.limit_in_bytes" },
];

/** No machine has this much memory: cgroup v1 expresses "no limit" as a larger number. */
const unlimited = 2 ** 60;

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

const memoryOf = (directory: string): Memory | undefined => {
  for (const place of places) {
    const kills = /^oom_kill (\d+)$/m.exec(read(join(directory, place.events)) ?? "")?.[1];
    if (kills === undefined) continue;
    const limit = Number.parseInt(read(join(directory, place.limit)) ?? "", 10);
    return { kills: Number(kills), limit: limit < unlimited ? limit : undefined };
  }
  return undefined;
};

const MiB = 2 ** 20;

/** The kernel killed a process of the program for lack of memory. */
export class OutOfMemoryError extends Error {
  override name = "OutOfMemoryError";
}

/** Detects whether the kernel kills a process for lack of memory during an attempt. */
export class MemoryKills {
  readonly #directory: string | undefined;
  readonly #before: number;

  /**
   * Starts counting.
   * @param directory the cgroup directory of the runner's container; undefined if other processes share the cgroup, because then
   *   it says nothing about this runner's programs
   */
  constructor(directory: string | undefined) {
    this.#directory = directory;
    this.#before = (directory === undefined ? undefined : memoryOf(directory))?.kills ?? Number.POSITIVE_INFINITY;
  }

  /** @returns the cause of an attempt's failure: an `OutOfMemoryError` instead of a `ProgramError` if memory was the reason */
  explain(error: unknown): unknown {
    if (!(error instanceof ProgramError) || this.#directory === undefined) return error;
    const memory = memoryOf(this.#directory);
    if (memory === undefined || memory.kills <= this.#before) return error;
    const limit = memory.limit === undefined ? "its node has" : `its limit, ${Math.round(memory.limit / MiB)}Mi`;
    return new OutOfMemoryError(
      `The kernel has killed a process of the program, as the container needed more memory than ${limit} (OOMKilled); ` +
        `resources.memory sets it. ${error.message}`,
      { cause: error },
    );
  }
}

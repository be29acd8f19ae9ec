import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ProgramError } from "./programs/program.ts";

/** What a container's cgroup says of its memory. */
type Memory = {
  /** Processes of the container that the kernel has killed for lack of memory, since it started. */
  readonly kills: number;
  /** In bytes; undefined where it has none of its own. */
  readonly limit: number | undefined;
};

/** Where a version of cgroups keeps both. */
const places = [
  // https://docs.kernel.org/admin-guide/cgroup-v2.html, "Memory Interface Files"
  { events: "memory.events", limit: "memory.max" },
  // https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
  { events: "memory/memory.oom_control", limit: "memory/memory.limit_in_bytes" },
];

/** Of cgroup v1, which says "no limit" by a number that no machine has as memory. */
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

/** A process of the program was killed by the kernel for lack of memory. */
export class OutOfMemoryError extends Error {
  override name = "OutOfMemoryError";
}

/** Sees whether the kernel kills a process for lack of memory while an attempt runs. */
export class MemoryKills {
  readonly #directory: string | undefined;
  readonly #before: number;

  /**
   * Counts from now on.
   * @param directory where the cgroup of the runner's container is; undefined where others share it, so that it says nothing of
   *   this runner's programs
   */
  constructor(directory: string | undefined) {
    this.#directory = directory;
    this.#before = (directory === undefined ? undefined : memoryOf(directory))?.kills ?? Number.POSITIVE_INFINITY;
  }

  /** @returns what an attempt has failed of: an OutOfMemoryError in place of a program's failure, where memory was the reason */
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

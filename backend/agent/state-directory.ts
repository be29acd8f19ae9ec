import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LockedError, takeLock } from "../lock-file.ts";

/** Another agent uses the same directory. */
export class StateDirectoryInUseError extends Error {
  override name = "StateDirectoryInUseError";
}

/** The directory in which an agent keeps its persistent state. Only one agent can use it at a time. */
export type StateDirectory = {
  readonly path: string;
  /** The cluster's own id, generated when the directory was first used. */
  readonly clusterId: string;
  /** Releases the directory. */
  release(): void;
};

/** Takes `path` for this process. @throws StateDirectoryInUseError */
export const openStateDirectory = (path: string): StateDirectory => {
  mkdirSync(path, { recursive: true });
  const release = take(join(path, "lock"));
  return { path, clusterId: readClusterId(join(path, "cluster-id")), release };
};

const take = (lock: string): (() => void) => {
  try {
    return takeLock(lock);
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new StateDirectoryInUseError(
      `Another agent (process ${error.owner.pid}) uses the same directory (${lock}). ` +
        "End it first, or set STATE_DIR to another directory and CLUSTER to another name.",
    );
  }
};

const readClusterId = (path: string): string => {
  try {
    const id = readFileSync(path, "utf8").trim();
    if (id !== "") return id;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  const id = randomUUID();
  writeFileSync(`${path}.new`, `${id}\n`);
  renameSync(`${path}.new`, path);
  return id;
};

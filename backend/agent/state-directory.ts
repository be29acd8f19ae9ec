import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { isRunning, processStartTime } from "../process-groups.ts";

const OwnerSchema = z.object({ pid: z.int(), startTime: z.string() });
type Owner = z.infer<typeof OwnerSchema>;

/** Another agent works in the same directory. */
export class StateDirectoryInUseError extends Error {
  override name = "StateDirectoryInUseError";
}

/** The directory in which an agent keeps what must outlive it. It is one agent's at a time. */
export type StateDirectory = {
  readonly path: string;
  /** The cluster's own id, made up when the directory was first used. */
  readonly clusterId: string;
  /** Gives the directory free. */
  release(): void;
};

/** Takes `path` for this process. */
export const openStateDirectory = (path: string): StateDirectory => {
  mkdirSync(path, { recursive: true });
  const lock = join(path, "lock");
  takeLock(lock);
  return { path, clusterId: readClusterId(join(path, "cluster-id")), release: () => rmSync(lock, { force: true }) };
};

const takeLock = (lock: string): void => {
  const mine = `${lock}.${process.pid}`;
  const owner: Owner = { pid: process.pid, startTime: processStartTime(process.pid) ?? "" };
  writeFileSync(mine, JSON.stringify(owner));
  try {
    while (!tryLink(mine, lock)) {
      refuseLive(lock);
      // Taken aside and looked at again: between the look and the move another agent may have replaced a dead one's lock.
      const aside = `${mine}.old`;
      if (!tryRename(lock, aside)) continue;
      try {
        refuseLive(aside);
      } catch (error) {
        tryLink(aside, lock);
        throw error;
      } finally {
        rmSync(aside, { force: true });
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
};

/** Creates `lock` with the content of `mine`, at once and only if it is not there. */
const tryLink = (mine: string, lock: string): boolean => ifNot("EEXIST", () => linkSync(mine, lock));

const tryRename = (from: string, to: string): boolean => ifNot("ENOENT", () => renameSync(from, to));

const ifNot = (code: string, act: () => void): boolean => {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === code) return false;
    throw error;
  }
};

const refuseLive = (lock: string): void => {
  let owner: Owner;
  try {
    owner = OwnerSchema.parse(JSON.parse(readFileSync(lock, "utf8")));
  } catch {
    return; // It has just gone, or a crash of the whole machine has emptied it.
  }
  if (!isRunning(owner.pid, owner.startTime)) return;
  throw new StateDirectoryInUseError(
    `Another agent (process ${owner.pid}) uses the same directory (${lock}). ` +
      "End it first, or set STATE_DIR to another directory and CLUSTER to another name.",
  );
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

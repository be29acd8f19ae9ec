import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { isRunning, processStartTime } from "./process-groups.ts";

const OwnerSchema = z.looseObject({ pid: z.int(), startTime: z.string() });

/** The process that has taken a lock, and what it has noted there. */
export type LockOwner = z.infer<typeof OwnerSchema>;

/** Another process has the lock. */
export class LockedError extends Error {
  override name = "LockedError";
  readonly owner: LockOwner;

  constructor(lock: string, owner: LockOwner) {
    super(`process ${owner.pid} has ${lock}`);
    this.owner = owner;
  }
}

/**
 * Takes a lock for this process, a file that is free again as soon as the process has ended, however that is.
 * @param note what others can read of its owner
 * @returns gives it free
 * @throws LockedError where another process has it
 */
export const takeLock = (lock: string, note: Readonly<Record<string, unknown>> = {}): (() => void) => {
  const mine = `${lock}.${process.pid}`;
  const owner: LockOwner = { ...note, pid: process.pid, startTime: processStartTime(process.pid) ?? "" };
  writeFileSync(mine, JSON.stringify(owner));
  try {
    while (!tryLink(mine, lock)) {
      refuseLive(lock, lock);
      // Taken aside and looked at again: between the look and the move another process may have replaced a dead one's lock.
      const aside = `${mine}.old`;
      if (!tryRename(lock, aside)) continue;
      try {
        refuseLive(aside, lock);
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
  return () => rmSync(lock, { force: true });
};

/** The process that has a lock; undefined where it is free. */
export const lockOwner = (lock: string): LockOwner | undefined => {
  try {
    const owner = OwnerSchema.parse(JSON.parse(readFileSync(lock, "utf8")));
    return isRunning(owner.pid, owner.startTime) ? owner : undefined;
  } catch {
    return undefined; // There is none, it has just gone, or a crash of the whole machine has emptied it.
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

/** @param file the lock, or where it was moved to */
const refuseLive = (file: string, lock: string): void => {
  const owner = lockOwner(file);
  if (owner !== undefined) throw new LockedError(lock, owner);
};

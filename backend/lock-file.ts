import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { isRunning, processStartTime } from "./process-groups.ts";

const OwnerSchema = z.looseObject({ pid: z.int(), startTime: z.string() });

/** The process that holds a lock, and the note that it stored there. */
export type LockOwner = z.infer<typeof OwnerSchema>;

/** Another process holds the lock. */
export class LockedError extends Error {
  override name = "LockedError";
  readonly owner: LockOwner;

  constructor(lock: string, owner: LockOwner) {
    super(`process ${owner.pid} has ${lock}`);
    this.owner = owner;
  }
}

/**
 * Takes a lock file for this process. The lock becomes free as soon as the process ends, even if it crashes.
 * @param note information about the owner for other processes to read
 * @returns a function that releases the lock
 * @throws LockedError if another process holds the lock
 */
export const takeLock = (lock: string, note: Readonly<Record<string, unknown>> = {}): (() => void) => {
  const mine = `${lock}.${process.pid}`;
  const owner: LockOwner = { ...note, pid: process.pid, startTime: processStartTime(process.pid) ?? "" };
  writeFileSync(mine, JSON.stringify(owner));
  try {
    while (!tryLink(mine, lock)) {
      refuseLive(lock, lock);
      // Move the lock aside and check it again: another process can have replaced a dead one's lock between check and move.
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

/** Returns the process that holds a lock, or undefined if the lock is free. */
export const lockOwner = (lock: string): LockOwner | undefined => {
  try {
    const owner = OwnerSchema.parse(JSON.parse(readFileSync(lock, "utf8")));
    return isRunning(owner.pid, owner.startTime) ? owner : undefined;
  } catch {
    return undefined; // The file never existed, has just been removed, or was emptied by a crash of the whole machine.
  }
};

/** Atomically creates `lock` with the content of `mine`, unless it exists. */
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

/** @param file the lock, or the path it was moved to */
const refuseLive = (file: string, lock: string): void => {
  const owner = lockOwner(file);
  if (owner !== undefined) throw new LockedError(lock, owner);
};

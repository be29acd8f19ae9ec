import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { liveProcesses, processStartTime, sendSignal, startedSince, type ProcessInfo } from "./process-groups.ts";
import { carriesMark } from "./process-mark.ts";

const StartSchema = z.object({ startTime: z.string() });
/** A process group that was started: the leader's pid, which is also the id of the group and its session, and its start time. */
const GroupRecordSchema = StartSchema.extend({ pid: z.int().gt(1) });
/** The mark that all processes started by the ledger's owner carry, and when the owner started. */
const MarkRecordSchema = StartSchema.extend({ mark: z.int().positive() });
const RecordSchema = z.union([GroupRecordSchema, MarkRecordSchema]);
type Record = z.infer<typeof RecordSchema>;

/** How long to wait for processes to vanish after SIGKILL, and how often to check, in milliseconds. */
const vanishMs = 2_000;
const lookMs = 10;

/**
 * A directory that records every running process group and the mark that processes carry. If the owner is killed, `reap` can
 * end exactly the processes that it left behind.
 */
export class ProcessLedger {
  readonly #dir: string;
  #isUsed = false;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  /** Records a group by its leader, a child spawned `detached`. Call it in the same tick, before the child can be reaped. */
  add(pid: number): void {
    this.#isUsed = true;
    const startTime = processStartTime(pid);
    if (startTime !== undefined) writeRecord(this.#dir, String(pid), { pid, startTime });
  }

  /** Removes the record of a group that has no processes left. */
  remove(pid: number): void {
    rmSync(recordPath(this.#dir, String(pid)), { force: true });
  }

  /** Ends the processes that the groups added to this ledger have left behind; see `reap`. */
  async sweep(): Promise<void> {
    if (this.#isUsed) await reap(this.#dir);
  }
}

/**
 * Records this process's mark in a ledger's directory. The record is never removed.
 * @throws Error if the directory does not exist: whoever made it for this process may have removed it again
 */
export const recordMark = (dir: string, mark: number): void => {
  writeRecord(dir, "mark", { mark, startTime: processStartTime(process.pid) ?? "" });
};

const recordPath = (dir: string, name: string): string => join(dir, `${name}.json`);

/** Writes a record atomically: it is either complete or absent, even if this process is killed. */
const writeRecord = (dir: string, name: string, record: Record): void => {
  const path = recordPath(dir, name);
  writeFileSync(`${path}.new`, JSON.stringify(record));
  renameSync(`${path}.new`, path);
};

const readRecord = (path: string): Record | undefined => {
  try {
    return RecordSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
};

/**
 * Whether the record covers the process. The kernel does not reuse a pid that is still the id of a group or session. A different
 * leader with this pid therefore means that both are gone. If the leader is gone, the remaining members started after it.
 */
const names = (record: Record, process: ProcessInfo): boolean => {
  if (!startedSince(process.startTime, record.startTime)) return false;
  if ("mark" in record) return carriesMark(process.pid, record.mark);
  if (process.group !== record.pid && process.session !== record.pid) return false;
  const leader = processStartTime(record.pid);
  return leader === undefined || leader === record.startTime;
};

/** Returns the live processes that a record covers, and their descendants. Never includes this process. */
const named = (records: readonly Record[]): ProcessInfo[] => {
  const others = liveProcesses().filter(({ pid }) => pid !== process.pid);
  const found = new Map<number, ProcessInfo>();
  let next = others.filter((process) => records.some((record) => names(record, process)));
  while (next.length > 0) {
    for (const process of next) found.set(process.pid, process);
    next = others.filter(({ pid, parent }) => found.has(parent) && !found.has(pid));
  }
  return [...found.values()];
};

/**
 * Ends every process that the ledger in `dir` covers: the members of recorded groups and their sessions, processes that carry
 * the recorded mark, and the descendants of all these. If a process cannot be ended, the groups stay recorded.
 * @returns how many processes were ended
 */
export const reap = async (dir: string): Promise<number> => {
  const paths = recordPaths(dir);
  const records = paths.flatMap((path) => readRecord(path) ?? []);
  const ended = new Set<string>();
  for (let waited = 0; records.length > 0; waited += lookMs) {
    const found = named(records);
    if (found.length === 0) break;
    if (waited >= vanishMs) return ended.size;
    for (const { pid, startTime } of found) {
      sendSignal(pid, "SIGKILL");
      ended.add(`${pid} ${startTime}`);
    }
    await sleep(lookMs);
  }
  for (const path of paths) if (path !== recordPath(dir, "mark")) rmSync(path, { force: true });
  return ended.size;
};

const recordPaths = (dir: string): string[] => {
  try {
    return readdirSync(dir).map((name) => join(dir, name));
  } catch {
    return [];
  }
};

import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { groupAlive, groupMembers, processStartTime, sendSignal, startedSince } from "./process-groups.ts";

/** A process group that was started: its leader's pid, which is its id, and when the leader started. */
const GroupRecordSchema = z.object({ pid: z.int().gt(1), startTime: z.string() });
type GroupRecord = z.infer<typeof GroupRecordSchema>;

/** How long a group may take to vanish after SIGKILL. */
const vanishMs = 2_000;

/**
 * A directory with a record of every process group that is running, so that those a process leaves behind when it is
 * killed can be ended by `reap`, and no others.
 */
export class ProcessLedger {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  /** Records a group by its leader, a child spawned `detached`. To be called in the same tick, when it cannot be reaped yet. */
  add(pid: number): void {
    const startTime = processStartTime(pid);
    if (startTime === undefined) return;
    const record: GroupRecord = { pid, startTime };
    const path = recordPath(this.#dir, pid);
    // A record is whole or not there, whenever this process is killed.
    writeFileSync(`${path}.new`, JSON.stringify(record));
    renameSync(`${path}.new`, path);
  }

  /** Forgets a group of which nothing is left. */
  remove(pid: number): void {
    rmSync(recordPath(this.#dir, pid), { force: true });
  }
}

const recordPath = (dir: string, pid: number): string => join(dir, `${pid}.json`);

const readRecord = (path: string): GroupRecord | undefined => {
  try {
    return GroupRecordSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
};

/**
 * Whether what lives under the recorded group's id is that group. A pid is not given out while a group has it as its id, so
 * another leader under it means that the group is gone; where the leader is gone, its members started after it did.
 */
const isRecorded = ({ pid, startTime }: GroupRecord): boolean => {
  const leader = processStartTime(pid);
  if (leader !== undefined) return leader === startTime && groupAlive(pid);
  return groupMembers(pid).some((member) => startedSince(member.startTime, startTime));
};

const endGroup = async ({ pid }: GroupRecord): Promise<boolean> => {
  sendSignal(-pid, "SIGKILL");
  for (let waited = 0; groupAlive(pid); waited += 10) {
    if (waited >= vanishMs) return false;
    await sleep(10);
  }
  return true;
};

/**
 * Ends every process group that the ledger in `dir` still records. A group that cannot be ended stays recorded.
 * @returns how many groups were ended
 */
export const reap = async (dir: string): Promise<number> => {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return 0;
  }
  const ended = await Promise.all(
    names.map(async (name) => {
      const path = join(dir, name);
      const record = readRecord(path);
      const lives = record !== undefined && isRecorded(record);
      if (lives && !(await endGroup(record))) return false;
      rmSync(path, { force: true });
      return lives;
    }),
  );
  return ended.filter(Boolean).length;
};

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { sendSignal } from "../../../backend/process-groups.ts";
import { environmentOf } from "../proc.ts";

type Entry = { readonly pid: number; readonly parent: number; readonly group: number; readonly session: number };

/** The live processes. */
const entries = (): Entry[] =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state = "", parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (/^[ZXx]/.test(state)) return [];
      return [{ pid: Number(name), parent: Number(parent), group: Number(group), session: Number(session) }];
    } catch {
      return []; // It has just ended.
    }
  });

/** An environment entry that only the processes of one container have. */
export type Marker = string;

/**
 * The processes of a container whose first process is or was `root`: its descendants, its group and session, and any that left
 * those but still have its environment. A real container is a namespace, which no process can leave.
 */
const membersOf = (root: number, marker: Marker): number[] => {
  const all = entries();
  const members = new Set([root]);
  for (const { pid, group, session } of all)
    if (group === root || session === root || (pid !== process.pid && environmentOf(pid).includes(marker)))
      members.add(pid);
  for (let size = 0; size < members.size;) {
    size = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.map(({ pid }) => pid).filter((pid) => members.has(pid));
};

/** Ends all processes of a container with SIGKILL. @throws Error if one survives */
export const killAll = async (root: number, marker: Marker): Promise<void> => {
  for (let left = 100; left > 0; left -= 1) {
    const members = membersOf(root, marker);
    if (members.length === 0) return;
    for (const pid of members) sendSignal(pid, "SIGKILL");
    await sleep(20);
  }
  throw new Error(`processes of a container survive SIGKILL: ${membersOf(root, marker).join(", ")}`);
};

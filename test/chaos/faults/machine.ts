import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../helpers/random.ts";
import type { Stage } from "../stage.ts";
import type { Faults } from "./fault.ts";
import { victimOf } from "./victim.ts";

/*
 * What befalls the machine of the runners. A full disk counts when the task of a live job says so; a wrong clock when its
 * process has taken it over while it, or with the agent's any runner, had an attempt under way.
 */

const second = 1000;
const hour = 3600 * second;

/** Whether a task of a live job tells of a full disk. */
const isNoticed = async ({ edgefold, jobs }: Stage): Promise<boolean> => {
  const tasks = await Promise.all(jobs.ids.map(async (id) => edgefold.tasks(id).catch(() => [])));
  return tasks.flat().some(({ error }) => error?.message.includes("ENOSPC") === true);
};

const clockFault = async ({ hooks }: Stage, pid: number, random: Random, isAtWork: () => boolean): Promise<boolean> => {
  const size = random.pick([5 * second, 90 * second, hour, 30 * hour]);
  hooks.setWrong(pid, random.chance(0.5) ? size : -size);
  try {
    let hit = false;
    for (const end = performance.now() + random.int(500, 2500); performance.now() < end; await sleep(50)) {
      hit ||= hooks.isWrong(pid) && isAtWork();
    }
    return hit;
  } finally {
    hooks.setRight(pid);
  }
};

export const machineFaults = {
  "disk full for a time": {
    weight: 3,
    async inject(stage, random) {
      const ms = random.int(500, 2500);
      return stage.diskLock.run(async () => {
        stage.disk.fill();
        try {
          let hit = false;
          for (const end = performance.now() + ms; performance.now() < end; await sleep(100)) {
            hit ||= await isNoticed(stage);
          }
          return hit;
        } finally {
          stage.disk.clear();
        }
      });
    },
  },
  "runner's clock wrong for a time": {
    weight: 4,
    async inject(stage, random) {
      const victim = await victimOf(() => stage.atWork, random);
      if (victim === undefined) return false;
      return clockFault(stage, victim.pid, random, () => stage.isAtWork(victim.runnerId));
    },
  },
  "agent's clock wrong for a time": {
    weight: 1,
    async inject(stage, random) {
      return stage.agentLock.run(async () => clockFault(stage, stage.agentPid, random, () => stage.atWork.length > 0));
    },
  },
} satisfies Faults;

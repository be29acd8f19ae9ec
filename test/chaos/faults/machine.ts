import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../helpers/random.ts";
import type { Stage } from "../stage.ts";
import type { Faults } from "./fault.ts";
import { victimOf } from "./victim.ts";

/*
 * Faults on the runners' machine. A full disk counts as a hit if a live job's task reports it; a wrong clock, if its process
 * adopted it while the runner (for the agent's clock, any runner) had a running attempt.
 */

const second = 1000;
const hour = 3600 * second;

/** Whether a task of a live job reports a full disk. */
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

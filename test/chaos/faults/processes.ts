import { setTimeout as sleep } from "node:timers/promises";
import { sendSignal } from "../../../backend/process-groups.ts";
import { processesThatHave } from "../../helpers/proc.ts";
import { workerGroupOf, type RunnerAtWork } from "../../helpers/processes.ts";
import type { Random } from "../../helpers/random.ts";
import { leaseSeconds, type Stage } from "../stage.ts";
import type { Faults } from "./fault.ts";
import { victimOf } from "./victim.ts";

/*
 * Processes that are killed or paused. A runner counts as hit if it had a running attempt at that moment, which shows in a
 * directory for the attempt. The agent and the Worker count if any runner had one.
 */

const runner = async (stage: Stage, random: Random): Promise<RunnerAtWork | undefined> =>
  victimOf(() => stage.atWork, random);

/** The process of a program of a live job; it counts as running simply by existing. */
const program = async ({ jobs }: Stage, random: Random): Promise<number | undefined> =>
  victimOf(
    () => processesThatHave("EDGEFOLD_JOB_ID").flatMap(({ pid, value }) => (jobs.isLive(value) ? [pid] : [])),
    random,
  );

/** Some pauses outlast a lease. */
const stopMs = (random: Random): number =>
  random.chance(0.3) ? random.int(1200 * leaseSeconds, 1600 * leaseSeconds) : random.int(200, 2500);

const stopped = async (target: number, ms: number): Promise<void> => {
  sendSignal(target, "SIGSTOP");
  try {
    await sleep(ms);
  } finally {
    sendSignal(target, "SIGCONT");
  }
};

export const processFaults = {
  "runner killed": {
    weight: 7,
    async inject(stage, random) {
      const victim = await runner(stage, random);
      if (victim === undefined) return false;
      sendSignal(victim.pid, "SIGKILL");
      return true;
    },
  },
  "runner stopped for a time": {
    weight: 6,
    async inject(stage, random) {
      const ms = stopMs(random);
      const victim = await runner(stage, random);
      if (victim === undefined) return false;
      await stopped(victim.pid, ms);
      return true;
    },
  },
  "program killed": {
    weight: 7,
    async inject(stage, random) {
      const pid = await program(stage, random);
      if (pid === undefined) return false;
      sendSignal(pid, "SIGKILL");
      return true;
    },
  },
  "program stopped for a time": {
    weight: 4,
    async inject(stage, random) {
      const ms = stopMs(random);
      const pid = await program(stage, random);
      if (pid === undefined) return false;
      await stopped(pid, ms);
      return true;
    },
  },
  "agent killed": {
    weight: 3,
    async inject(stage, random) {
      const afterMs = random.int(0, 1500);
      return stage.agentLock.run(async () => {
        const hit = stage.atWork.length > 0;
        await stage.restartAgent(afterMs);
        return hit;
      });
    },
  },
  "agent stopped for a time": {
    weight: 3,
    async inject(stage, random) {
      const ms = stopMs(random);
      return stage.agentLock.run(async () => {
        const hit = stage.atWork.length > 0;
        await stopped(stage.agentPid, ms);
        return hit;
      });
    },
  },
  "Worker killed": {
    weight: 3,
    async inject(stage, random) {
      const afterMs = random.int(0, 1500);
      return stage.workerLock.run(async () => {
        const hit = stage.atWork.length > 0;
        await stage.restartWorker(afterMs);
        return hit;
      });
    },
  },
  "Worker stopped for a time": {
    weight: 2,
    async inject(stage, random) {
      const ms = stopMs(random);
      return stage.workerLock.run(async () => {
        const hit = stage.atWork.length > 0;
        await stopped(-workerGroupOf(stage.edgefold), ms);
        return hit;
      });
    },
  },
  "all killed at once": {
    weight: 0.7,
    async inject(stage, random) {
      const afterMs = random.int(0, 500);
      return stage.workerLock.run(async () =>
        stage.agentLock.run(async () => {
          const { atWork } = stage;
          for (const { pid } of atWork) sendSignal(pid, "SIGKILL");
          await Promise.all([stage.restartWorker(afterMs), stage.restartAgent(afterMs)]);
          return atWork.length > 0;
        }),
      );
    },
  },
} satisfies Faults;

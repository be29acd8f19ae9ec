import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "../proxies/connection.ts";
import type { Random } from "../../helpers/random.ts";
import { leaseSeconds, type Stage } from "../stage.ts";
import type { Faults } from "./fault.ts";
import { victimOf } from "./victim.ts";

/*
 * Faults on connections between the agent or a runner and the Worker. A fault counts as a hit if, for a runner's connection,
 * the runner named in its hello had a running attempt; for the agent's, any runner had one; for a program download, its job was
 * live.
 */

const isLive = (stage: Stage, { purpose, jobId, runnerId }: Connection): boolean => {
  if (purpose === "agent") return stage.atWork.length > 0;
  if (jobId === undefined || !stage.jobs.isLive(jobId)) return false;
  return purpose === "program" || (runnerId !== undefined && stage.isAtWork(runnerId));
};

const victim = async (stage: Stage, random: Random): Promise<Connection | undefined> =>
  victimOf(() => stage.link.connections.filter((connection) => isLive(stage, connection)), random);

/** How long a cut waits for data to cut, in ms. */
const patienceMs = 3_000;

export const linkFaults = {
  "link: cut": {
    weight: 5,
    async inject(stage, random) {
      const connection = await victim(stage, random);
      connection?.reset();
      return connection !== undefined;
    },
  },
  "link: cut within a frame": {
    weight: 6,
    async inject(stage, random) {
      const direction = random.pick(["up", "down"] as const);
      const connection = await victim(stage, random);
      if (connection === undefined) return false;
      const hit = connection.cutNext(direction).then(() => isLive(stage, connection));
      const late = sleep(patienceMs).then(() => {
        connection.keep();
        return false;
      });
      return Promise.race([hit, late]);
    },
  },
  "link: stalled": {
    weight: 4,
    async inject(stage, random) {
      const ms = random.chance(0.4) ? random.int(1200 * leaseSeconds, 1600 * leaseSeconds) : random.int(500, 3000);
      const connection = await victim(stage, random);
      connection?.stall(ms);
      return connection !== undefined;
    },
  },
  "link: throttled": {
    weight: 3,
    async inject(stage, random) {
      const ms = random.int(1000, 5000);
      const connection = await victim(stage, random);
      connection?.throttle(ms);
      return connection !== undefined;
    },
  },
  "link: cut, and refused for a time": {
    weight: 3,
    async inject(stage, random) {
      const [ms, status, retryAfter] = [
        random.int(300, 3000),
        random.pick([429, 500, 503] as const),
        random.chance(0.5),
      ];
      const connection = await victim(stage, random);
      connection?.reset();
      const refused = await stage.link.refuse(ms, status, retryAfter);
      return connection !== undefined && refused > 0;
    },
  },
} satisfies Faults;

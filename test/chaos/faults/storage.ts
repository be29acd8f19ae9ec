import type { StorageFault } from "../proxies/storage-faults.ts";
import type { Random } from "../../helpers/random.ts";
import type { Fault, Faults } from "./fault.ts";

/* Faults on requests between a runner and the store. A fault counts as a hit if the request's address belongs to a live job. */

/** How long a fault waits for a matching request, in ms. */
const patienceMs = 3_000;

const requestFault = (weight: number, make: (random: Random) => StorageFault): Fault => ({
  weight,
  inject: async (stage, random) => stage.storage.arm(make(random), patienceMs),
});

export const storageFaults = {
  "store: error answered": requestFault(6, (random) => ({
    kind: "refuse",
    status: random.pick([429, 500, 503]),
    xml: random.chance(0.5),
    retryAfter: random.chance(0.5),
    done: false,
  })),
  "store: done, but error answered": requestFault(4, (random) => ({
    kind: "refuse",
    status: random.pick([500, 503]),
    xml: random.chance(0.5),
    retryAfter: false,
    done: true,
  })),
  "store: error in an answer of 200": requestFault(2, (random) => ({ kind: "error in 200", done: random.chance(0.5) })),
  "store: request cut": requestFault(4, () => ({ kind: "cut", when: "request" })),
  "store: upload cut": requestFault(4, () => ({ kind: "cut", when: "upload" })),
  "store: answer cut": requestFault(5, () => ({ kind: "cut", when: "answer" })),
  "store: answer truncated": requestFault(5, () => ({ kind: "truncate" })),
  "store: stalled": requestFault(4, (random) => ({
    kind: "stall",
    where: random.pick(["request", "answer"]),
    // A client gives up after 20 s.
    ms: random.chance(0.1) ? 21_500 : random.int(500, 6000),
  })),
  "store: throttled": requestFault(3, (random) => ({ kind: "throttle", bytesPerSecond: random.int(10_000, 100_000) })),
  "store: away for a time": {
    weight: 1.5,
    inject: async (stage, random) => stage.storage.fail(random.int(500, 4000)),
  },
} satisfies Faults;

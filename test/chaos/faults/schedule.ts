import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../helpers/random.ts";
import type { Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";
import { linkFaults } from "./links.ts";
import { machineFaults } from "./machine.ts";
import { processFaults } from "./processes.ts";
import { storageFaults } from "./storage.ts";

const faults = { ...processFaults, ...storageFaults, ...linkFaults, ...machineFaults };
export type FaultName = keyof typeof faults;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a record are its names
export const faultNames = Object.keys(faults) as FaultName[];

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each name has its weight
const weights = Object.fromEntries(faultNames.map((name) => [name, faults[name].weight])) as Record<FaultName, number>;

export type FaultCounts = { injected: number; hit: number };

/** The maximum number of concurrent faults. */
const together = 5;

/**
 * Injects faults for as long as it runs. The seed decides the order of their kinds, their sizes and the pauses; their victims
 * depend on what is running at the time.
 */
export class Schedule {
  readonly counts = new Map<FaultName, FaultCounts>();
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #meanPauseMs: number;
  readonly #underWay = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  constructor(stage: Stage, random: Random, meanPauseMs: number) {
    this.#stage = stage;
    this.#random = random;
    this.#meanPauseMs = meanPauseMs;
  }

  /** The number of faults that hit live work. */
  get hits(): number {
    return this.counts.values().reduce((sum, { hit }) => sum + hit, 0);
  }

  /** Runs until the signal is aborted; resolves when the last fault is over. @throws Error if a fault could not be injected */
  async run(signal: AbortSignal): Promise<void> {
    // Each kind once, then by weight.
    const first = this.#random.shuffled(faultNames);
    while (!signal.aborted && this.#failures.length === 0) {
      const name = first.pop() ?? this.#random.weighted(weights);
      const random = this.#random.stream(this.#random.int(0, 2 ** 30));
      const pauseMs = this.#random.int(0, 2 * this.#meanPauseMs);
      while (this.#underWay.size >= together) await Promise.race(this.#underWay);
      this.#inject(name, faults[name], random);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(this.#underWay);
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  #inject(name: FaultName, fault: Fault, random: Random): void {
    const counts = this.counts.get(name) ?? { injected: 0, hit: 0 };
    this.counts.set(name, counts);
    counts.injected += 1;
    const injection = (async () => {
      try {
        if (await fault.inject(this.#stage, random)) counts.hit += 1;
      } catch (error) {
        this.#failures.push(new Error(`the fault '${name}' could not be injected`, { cause: error }));
      }
    })();
    this.#underWay.add(injection);
    void injection.then(() => this.#underWay.delete(injection));
  }
}

import { expect, test } from "vitest";
import { stragglerAge } from "../../shared/engine/machine.ts";
import { Random } from "../helpers/random.ts";
import { World } from "./machine-world.ts";

const runners = 500;

/** Runs the runners of a job through one phase, in virtual time. */
class Phase {
  readonly world: World;
  /** Claims, with or without a result, in addition to the one that each completion includes. */
  claims = 0;
  readonly #random = new Random(1);
  readonly #spread: number;
  readonly #idle: string[] = [];
  /** The running attempts, and when they complete. */
  readonly #ends = new Map<string, { readonly runner: string; readonly at: number }>();

  /** @param spread the duration of the longest map divided by that of the shortest, at most */
  constructor(maps: number, spread: number) {
    this.#spread = spread;
    this.world = new World({ maps, reducers: 1 });
    this.world.run(({ job }) => job.status === "mapping");
  }

  run(): void {
    for (let runner = 0; runner < runners; runner++) this.#claim(`runner-${runner}`);
    while (this.world.job.status === "mapping") {
      const [id, end] = [...this.#ends].reduce((first, next) => (next[1].at < first[1].at ? next : first));
      const speculation = this.#nextSpeculation();
      if (speculation < end.at && this.#idle.length > 0) {
        this.world.now = speculation;
        this.#wake(1);
      } else {
        this.world.now = end.at;
        this.#ends.delete(id);
        this.world.complete(id);
        this.#take(end.runner);
      }
    }
  }

  #nextSpeculation(): number {
    const next = this.world.nextStraggler("map");
    const age = stragglerAge(this.world.job);
    return age === undefined || next === undefined ? Infinity : Math.max(this.world.now, next.startedAt + age);
  }

  #wake(tasks: number): void {
    for (const runner of this.#idle.splice(0, tasks)) this.#claim(runner);
  }

  #claim(runner: string): void {
    this.claims += 1;
    this.#take(runner);
  }

  #take(runner: string): void {
    const id = this.world.job.status === "mapping" ? this.world.claim(runner) : undefined;
    if (id === undefined) this.#idle.push(runner);
    else this.#ends.set(id, { runner, at: this.world.now + 10_000 * this.#spread ** this.#random.next() });
  }
}

test.each([3, 10, 100])(
  "500 runners finish 500 maps that differ by up to %i times with few claims and few second attempts",
  (spread) => {
    const phase = new Phase(500, spread);
    phase.run();
    const second = phase.world.tasksOf("map").filter(({ attempts }) => attempts > 1).length;
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThanOrEqual(50);
    expect(phase.claims).toBeLessThanOrEqual(600);
  },
);

import type { LauncherCondition } from "../../shared/protocol/agent.ts";
import type { RunnerEnd } from "../../backend/agent/launchers/launcher.ts";
import { SimulatedAgent } from "./agent.ts";
import type { SimulatedJob } from "./job.ts";
import { SimulatedRunner } from "./runner.ts";
import { evicted, troubles } from "./troubles.ts";
import type { World } from "./world.ts";

/** Most ms that passes until a runner's end is noticed, and that an evicted or drained runner takes to end. */
const slowNotice = 3000;
const slowEviction = 20_000;

/** What runs of a job in the cluster, and what keeps more of it from running, whoever looks after it. */
class JobInCluster {
  readonly runners = new Set<SimulatedRunner>();
  /** How runners have ended of which the Worker has not accepted the end. */
  readonly exits = new Map<string, RunnerEnd>();
  conditions: readonly LauncherCondition[] = [];
  isRefused = false;
}

export class SimulatedCluster {
  /** How many runners were evicted. */
  evictions = 0;
  /** How often a runner was to be drained. */
  drains = 0;
  isDeserted = false;
  readonly #ends = new Map<SimulatedRunner, Partial<RunnerEnd>>();
  readonly #world: World;
  readonly #jobs = new Map<string, JobInCluster>();
  #agent: SimulatedAgent;
  #nextRunner = 1;

  constructor(world: World) {
    this.#world = world;
    this.#agent = new SimulatedAgent(world, this, world.options.isOldAgent);
  }

  get agent(): SimulatedAgent {
    return this.#agent;
  }

  get runners(): SimulatedRunner[] {
    return [...this.#jobs.values()].flatMap(({ runners }) => [...runners]);
  }

  jobOf(id: string): JobInCluster {
    const known = this.#jobs.get(id) ?? new JobInCluster();
    this.#jobs.set(id, known);
    return known;
  }

  /** From now on the job's pods are refused. */
  refuse(job: SimulatedJob): void {
    this.jobOf(job.id).isRefused = true;
    this.#agent.arrange();
  }

  /** What keeps the job's runners from starting changes. */
  trouble(job: SimulatedJob): void {
    this.jobOf(job.id).conditions = this.#world.random.pick(troubles);
    this.#agent.arrange();
  }

  start(job: SimulatedJob): void {
    const { runners, exits } = this.jobOf(job.id);
    const runner: SimulatedRunner = new SimulatedRunner(`node-${this.#nextRunner++}`, job, (reason) => {
      runners.delete(runner);
      this.#world.clock.after(this.#world.random.between(1, slowNotice), () => {
        exits.set(runner.id, { reason, ...this.#ends.get(runner) });
        this.#agent.arrange();
      });
    });
    runners.add(runner);
  }

  /** What a runner's task does is more than the runner may: it is told to end, and killed if it does not. */
  evict(runner: SimulatedRunner | undefined): void {
    if (runner === undefined || this.#ends.has(runner)) return;
    this.evictions++;
    this.#end(runner, { failure: evicted });
  }

  /** The cluster needs a runner's machine: the runner is told to end, and killed if it does not. */
  drain(runner: SimulatedRunner | undefined): void {
    this.drains++;
    if (runner !== undefined && !this.#ends.has(runner)) this.#end(runner, { disrupted: true });
  }

  /** The cluster is gone, and nobody comes back. */
  desert(): void {
    this.isDeserted = true;
    this.#agent.kill();
    for (const runner of this.runners) runner.kill();
  }

  /** The agent dies, and another one takes its place after a while. @param takesRunners whether they are its children */
  crash(takesRunners: boolean): void {
    if (!this.#agent.isAlive) return;
    this.#agent.kill();
    if (takesRunners) for (const runner of this.runners) runner.kill();
    this.#world.clock.after(this.#world.random.between(500, 20_000), () => {
      if (this.isDeserted) return;
      // Its deployment was updated meanwhile.
      this.#agent = new SimulatedAgent(this.#world, this, false);
    });
  }

  #end(runner: SimulatedRunner, end: Partial<RunnerEnd>): void {
    this.#ends.set(runner, end);
    runner.quit();
    this.#world.clock.after(this.#world.random.between(1, slowEviction), () => runner.kill());
  }
}

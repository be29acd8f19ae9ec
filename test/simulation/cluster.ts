import type { LauncherCondition } from "../../shared/protocol/agent.ts";
import type { RunnerEnd } from "../../backend/agent/launchers/launcher.ts";
import { SimulatedAgent } from "./agent.ts";
import type { SimulatedJob } from "./job.ts";
import { SimulatedRunner } from "./runner.ts";
import { evicted, troubles } from "./troubles.ts";
import type { World } from "./world.ts";

/** The longest time, in ms, until a runner's end is noticed, and until an evicted or drained runner has ended. */
const slowNotice = 3000;
const slowEviction = 20_000;

/** What is running of a job in the cluster, and what keeps more of it from running, whichever agent manages it. */
class JobInCluster {
  readonly runners = new Set<SimulatedRunner>();
  /** The ends of runners that the Worker has not accepted yet. */
  readonly exits = new Map<string, RunnerEnd>();
  conditions: readonly LauncherCondition[] = [];
  isRefused = false;
}

export class SimulatedCluster {
  /** The number of evicted runners. */
  evictions = 0;
  /** The number of times that a runner was to be drained. */
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

  /** From now on, the job's pods are refused. */
  refuse(job: SimulatedJob): void {
    this.jobOf(job.id).isRefused = true;
    this.#agent.arrange();
  }

  /** Changes what keeps the job's runners from starting. */
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

  /** A runner exceeds its limits because of its task: it is told to end, and killed if it does not. */
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

  /** The cluster disappears for good. */
  desert(): void {
    this.isDeserted = true;
    this.#agent.kill();
    for (const runner of this.runners) runner.kill();
  }

  /** The agent dies, and another replaces it after a while. @param takesRunners whether they are its children and die too */
  crash(takesRunners: boolean): void {
    if (!this.#agent.isAlive) return;
    this.#agent.kill();
    if (takesRunners) for (const runner of this.runners) runner.kill();
    this.#world.clock.after(this.#world.random.between(500, 20_000), () => {
      if (this.isDeserted) return;
      // Its deployment has been updated meanwhile.
      this.#agent = new SimulatedAgent(this.#world, this, false);
    });
  }

  #end(runner: SimulatedRunner, end: Partial<RunnerEnd>): void {
    this.#ends.set(runner, end);
    runner.quit();
    this.#world.clock.after(this.#world.random.between(1, slowEviction), () => runner.kill());
  }
}

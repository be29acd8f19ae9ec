import {
  AgentAnswerSchema,
  AgentNoticeSchema,
  type AgentAnswer,
  type AgentRequest,
} from "../../shared/protocol/agent.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { Connection } from "./connection.ts";
import { SimulatedRunner } from "./runner.ts";
import type { World } from "./world.ts";

type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;

/** Most ms that a runner takes to start, and that passes until a runner's end is noticed. */
const slowStart = 2000;
const slowNotice = 3000;

/** Most ms that an evicted runner takes to end. */
const slowEviction = 20_000;

const evicted = { code: "Evicted", message: "it used more disk than its limit" };

/** How a runner has ended: what its task is charged with, and whether the cluster is to blame. */
type Exit = { readonly reason: string; readonly failure: typeof evicted | null; readonly disrupted: boolean };

/** What runs in the cluster, whoever looks after it. */
export class SimulatedCluster {
  readonly runners = new Set<SimulatedRunner>();
  /** Ends that the Worker has not been told of. */
  readonly exits = new Map<string, Exit>();
  /** How many runners were evicted. */
  evictions = 0;
  /** How often a runner was to be drained. */
  drains = 0;
  readonly #evicted = new Set<SimulatedRunner>();
  readonly #drained = new Set<SimulatedRunner>();
  isDeserted = false;
  readonly #world: World;
  #agent: SimulatedAgent;
  #nextRunner = 1;

  constructor(world: World) {
    this.#world = world;
    this.#agent = new SimulatedAgent(world, this);
  }

  get agent(): SimulatedAgent {
    return this.#agent;
  }

  start(): void {
    const runner: SimulatedRunner = new SimulatedRunner(`runner-${this.#nextRunner++}`, this.#world, (reason) => {
      this.runners.delete(runner);
      this.#world.clock.after(this.#world.random.between(1, slowNotice), () => {
        const failure = this.#evicted.has(runner) ? evicted : null;
        this.exits.set(runner.id, { reason, failure, disrupted: this.#drained.has(runner) });
        this.#agent.arrange();
      });
    });
    this.runners.add(runner);
  }

  /** What a runner's task does is more than the runner may: it is told to end, and killed if it does not. */
  evict(runner: SimulatedRunner | undefined): void {
    if (runner === undefined || this.#isEnding(runner)) return;
    this.#evicted.add(runner);
    this.evictions++;
    this.#end(runner);
  }

  /** The cluster needs a runner's machine: the runner is told to end, and killed if it does not. */
  drain(runner: SimulatedRunner | undefined): void {
    this.drains++;
    if (runner === undefined || this.#isEnding(runner)) return;
    this.#drained.add(runner);
    this.#end(runner);
  }

  #isEnding(runner: SimulatedRunner): boolean {
    return this.#evicted.has(runner) || this.#drained.has(runner);
  }

  #end(runner: SimulatedRunner): void {
    runner.quit();
    this.#world.clock.after(this.#world.random.between(1, slowEviction), () => runner.kill());
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
      this.#agent = new SimulatedAgent(this.#world, this);
    });
  }
}

/** The agent: it keeps what runs in the cluster to what the Worker wants. */
export class SimulatedAgent {
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #pending = new Map<number, { readonly text: string; readonly done: () => void }>();
  readonly #reported = new Set<string>();
  isAlive = true;
  #isWelcome = false;
  #nextId = 1;
  #hello = 0;
  #connection: Connection | undefined;
  #wanted = 0;
  #isRemoving = false;
  #starting = 0;

  constructor(world: World, cluster: SimulatedCluster) {
    this.#world = world;
    this.#cluster = cluster;
    this.#dial();
  }

  kill(): void {
    this.isAlive = false;
    this.#connection?.peerDied();
  }

  cut(): void {
    this.#connection?.cut();
  }

  /** Brings the runners closer to what is wanted, and tells of those that have ended. */
  arrange(): void {
    if (!this.isAlive || !this.#isWelcome) return;
    for (const [runnerId, end] of this.#cluster.exits) {
      if (this.#reported.has(runnerId)) continue;
      this.#reported.add(runnerId);
      this.#tell({ kind: "exited", jobId: this.#world.jobId, runnerId, ...end }, () => {
        this.#cluster.exits.delete(runnerId);
      });
    }
    const { runners } = this.#cluster;
    if (this.#isRemoving) {
      for (const runner of runners) runner.kill();
      if (runners.size === 0) {
        this.#tell({ kind: "removed", jobId: this.#world.jobId }, () => {
          this.#isRemoving = false;
        });
      }
      return;
    }
    const target = Math.min(this.#wanted, this.#world.options.capacity);
    for (const runner of [...runners].slice(target)) runner.drain();
    while (runners.size + this.#starting < target) this.#start();
  }

  #start(): void {
    this.#starting++;
    this.#world.clock.after(this.#world.random.between(50, slowStart), () => {
      this.#starting--;
      if (this.isAlive && !this.#isRemoving && this.#wanted > 0) this.#cluster.start();
    });
  }

  #tell(request: Unnumbered<AgentRequest>, done: () => void): void {
    const id = this.#nextId++;
    const text = JSON.stringify({ id, ...request });
    this.#pending.set(id, { text, done });
    this.#connection?.send(text);
  }

  #dial(): void {
    const { clock, random, clusterHost, wires } = this.#world;
    clock.after(random.between(1, 2000), () => {
      if (!this.isAlive) return;
      if (this.#world.isUnreachable) {
        this.#dial();
        return;
      }
      this.#connection = new Connection(
        clusterHost,
        {
          onText: (text) => {
            if (this.isAlive) this.#receive(text);
          },
          onClose: () => {
            this.#connection = undefined;
            this.#isWelcome = false;
            this.#dial();
          },
        },
        wires,
      );
      this.#hello = this.#nextId++;
      const hello: AgentRequest = {
        kind: "hello",
        id: this.#hello,
        version: protocolVersion,
        release: "",
        clusterId: "cluster",
        launcher: "simulated",
        capacity: this.#world.options.capacity,
      };
      this.#connection.send(JSON.stringify(hello));
    });
  }

  #receive(text: string): void {
    const value: unknown = JSON.parse(text);
    const answer =
      typeof value === "object" && value !== null && "re" in value ? AgentAnswerSchema.parse(value) : undefined;
    if (answer === undefined) this.#noticed(AgentNoticeSchema.parse(value));
    else if (answer.re === this.#hello) this.#welcomed(answer);
    else {
      this.#pending.get(answer.re)?.done();
      this.#pending.delete(answer.re);
    }
    this.arrange();
  }

  #welcomed(answer: AgentAnswer): void {
    if (answer.kind !== "welcome") throw new Error(`${answer.kind} is no welcome`);
    this.#isWelcome = true;
    this.#wanted = answer.wanted[0]?.runners ?? 0;
    this.#isRemoving ||= answer.remove.length > 0;
    for (const { text } of this.#pending.values()) this.#connection?.send(text);
  }

  #noticed(notice: ReturnType<typeof AgentNoticeSchema.parse>): void {
    if (notice.kind === "wanted") this.#wanted = notice.job.runners;
    else {
      this.#wanted = 0;
      this.#isRemoving = true;
    }
  }
}

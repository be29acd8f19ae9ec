import { fairShares } from "../../backend/agent/launchers/fair-share.ts";
import { Reports } from "../../backend/agent/reports.ts";
import {
  AgentAnswerSchema,
  AgentNoticeSchema,
  type AgentAnswer,
  type AgentNotice,
  type AgentRequest,
  type WantedJob,
} from "../../shared/protocol/agent.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { release } from "../../shared/release.ts";
import { readMessage } from "./answers.ts";
import type { SimulatedCluster } from "./cluster.ts";
import { Connection } from "./connection.ts";
import type { SimulatedJob } from "./job.ts";
import { refusal } from "./troubles.ts";
import type { World } from "./world.ts";

type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;

/** The longest start of a runner, in ms. */
const slowStart = 2000;

/** What an agent remembers of a job; its successor does not inherit it. */
class JobOfAgent {
  readonly job: SimulatedJob;
  readonly since: number;
  wanted: WantedJob | undefined;
  share = 0;
  starting = 0;
  isRemoving = false;
  /**
   * What has been reported: the ends of runners; the refusal of the job, for its last resumption; that nothing is left of it;
   * its conditions.
   */
  readonly ends = new Set<string>();
  saidRefusalOf: number | undefined | null = null;
  saidRemoval = false;
  saidConditions: string | undefined;

  constructor(job: SimulatedJob, since: number) {
    this.job = job;
    this.since = since;
  }
}

/**
 * The agent: keeps the runners in the cluster as the Worker wants them, and reports their state. The real agent's code repeats
 * the reports.
 */
export class SimulatedAgent {
  readonly #world: World;
  readonly #cluster: SimulatedCluster;
  readonly #jobs = new Map<string, JobOfAgent>();
  readonly #reports: Reports;
  readonly #pending = new Map<number, { readonly text: string; readonly resolve: (answer: AgentAnswer) => void }>();
  isAlive = true;
  #isWelcome = false;
  #nextId = 1;
  #hello = 0;
  readonly #isOld: boolean;
  #connection: Connection | undefined;

  /** @param isOld whether it is of release 0.1.0 */
  constructor(world: World, cluster: SimulatedCluster, isOld: boolean) {
    this.#isOld = isOld;
    this.#world = world;
    this.#cluster = cluster;
    this.#reports = new Reports(
      async (report) => await this.#request(report),
      () => undefined,
    );
    this.#dial();
  }

  kill(): void {
    this.isAlive = false;
    this.#connection?.peerDied();
  }

  cut(): void {
    this.#connection?.cut();
  }

  /** Moves the runners towards what is wanted, and reports what has changed. */
  arrange(): void {
    if (!this.isAlive || !this.#isWelcome) return;
    this.#share();
    for (const known of this.#jobs.values()) {
      this.#reportEnds(known);
      if (known.isRemoving) this.#remove(known);
      else if (known.wanted !== undefined) this.#bring(known, known.wanted);
    }
  }

  #share(): void {
    const wanted = [...this.#jobs.values()].filter((known) => known.wanted !== undefined && !known.isRemoving);
    const claims = wanted.map(({ job, wanted: claim, share, since }) => {
      const { isRefused } = this.#cluster.jobOf(job.id);
      return { wanted: isRefused || job.isBlocked ? 0 : (claim?.runners ?? 0), held: share, since };
    });
    const turn = { now: this.#world.clock.now, quantum: Infinity };
    const shares = fairShares(claims, this.#world.options.capacity, turn);
    for (const [index, known] of wanted.entries()) known.share = shares[index] ?? 0;
  }

  #reportEnds({ job, ends }: JobOfAgent): void {
    const { exits } = this.#cluster.jobOf(job.id);
    for (const [runnerId, end] of exits) {
      if (ends.has(runnerId)) continue;
      ends.add(runnerId);
      const { disrupted, ...known } = end;
      const report = {
        kind: "exited",
        jobId: job.id,
        runnerId,
        failure: null,
        ...known,
        ...(!this.#isOld && { disrupted }),
      } as const;
      void this.#reports.send(report).then(() => exits.delete(runnerId));
    }
  }

  #remove(known: JobOfAgent): void {
    const { id } = known.job;
    const { runners } = this.#cluster.jobOf(id);
    for (const runner of runners) runner.kill();
    if (runners.size > 0 || known.saidRemoval) return;
    known.saidRemoval = true;
    void this.#reports.send({ kind: "removed", jobId: id }).then(() => {
      this.#jobs.delete(id);
      // It can be wanted again: an earlier message of the job reached the Worker after the removal.
      if (known.wanted !== undefined) this.#known(id).wanted = known.wanted;
      this.arrange();
    });
  }

  #bring(known: JobOfAgent, { runners: most, resumedAt }: WantedJob): void {
    const { job } = known;
    const { runners, conditions, isRefused } = this.#cluster.jobOf(job.id);
    const text = JSON.stringify(conditions);
    if (text !== known.saidConditions) {
      known.saidConditions = text;
      void this.#reports.send({ kind: "conditions", jobId: job.id, conditions: [...conditions] });
    }
    if (isRefused) {
      // A resumed job is tried again.
      if (known.saidRefusalOf === resumedAt || most === 0) return;
      known.saidRefusalOf = resumedAt;
      void this.#reports.send({ kind: "failed", jobId: job.id, ...refusal });
      return;
    }
    for (const runner of [...runners].slice(known.share)) runner.drain();
    while (runners.size + known.starting < known.share) this.#start(known);
  }

  #start(known: JobOfAgent): void {
    known.starting++;
    this.#world.clock.after(this.#world.random.between(50, slowStart), () => {
      known.starting--;
      if (this.isAlive && !known.isRemoving && known.share > 0) this.#cluster.start(known.job);
    });
  }

  async #request(request: Unnumbered<AgentRequest>): Promise<AgentAnswer> {
    const id = this.#nextId++;
    const text = JSON.stringify({ id, ...request });
    const { promise, resolve } = Promise.withResolvers<AgentAnswer>();
    this.#pending.set(id, { text, resolve });
    if (this.#isWelcome) this.#connection?.send(text);
    return await promise;
  }

  #dial(): void {
    const { clock, random, clusterHost, wires } = this.#world;
    clock.after(random.between(1, 2000), () => {
      if (!this.isAlive) return;
      if (this.#world.isUnreachable) {
        this.#dial();
        return;
      }
      const peer = {
        onText: (text: string) => {
          if (this.isAlive) this.#receive(text);
        },
        onClose: () => {
          this.#connection = undefined;
          this.#isWelcome = false;
          this.#dial();
        },
      };
      this.#connection = new Connection(clusterHost, peer, wires);
      this.#hello = this.#nextId++;
      const hello: AgentRequest = {
        kind: "hello",
        id: this.#hello,
        version: this.#isOld ? 3 : protocolVersion,
        release: this.#isOld ? "" : release,
        clusterId: "cluster-uid",
        launcher: "simulated",
        capacity: this.#world.options.capacity,
      };
      this.#connection.send(JSON.stringify(hello));
    });
  }

  #receive(text: string): void {
    const message = readMessage(text, { answer: AgentAnswerSchema, notice: AgentNoticeSchema });
    if ("notice" in message) this.#noticed(message.notice);
    else if (message.answer.re === this.#hello) this.#welcomed(message.answer);
    else {
      this.#pending.get(message.answer.re)?.resolve(message.answer);
      this.#pending.delete(message.answer.re);
    }
    this.arrange();
  }

  #welcomed(answer: AgentAnswer): void {
    // The cluster object's storage has failed: the agent drops the connection and reconnects.
    if (answer.kind === "error") {
      this.#connection?.cut();
      return;
    }
    if (answer.kind !== "welcome") throw new Error(`${answer.kind} is no welcome`);
    this.#isWelcome = true;
    if (answer.isPartial !== true || this.#isOld) for (const known of this.#jobs.values()) known.wanted = undefined;
    for (const wanted of answer.wanted) this.#known(wanted.jobId).wanted = wanted;
    for (const jobId of answer.remove) this.#mustRemove(jobId);
    for (const { text } of this.#pending.values()) this.#connection?.send(text);
  }

  #noticed(notice: AgentNotice): void {
    if (notice.kind === "wanted") this.#known(notice.job.jobId).wanted = notice.job;
    else this.#mustRemove(notice.jobId);
  }

  #mustRemove(jobId: string): void {
    Object.assign(this.#known(jobId), { wanted: undefined, isRemoving: true });
  }

  #known(jobId: string): JobOfAgent {
    const known = this.#jobs.get(jobId) ?? new JobOfAgent(this.#world.jobOf(jobId), this.#world.clock.now);
    this.#jobs.set(jobId, known);
    return known;
  }
}

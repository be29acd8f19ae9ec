import { ClusterObject } from "../../worker/cluster/object.ts";
import { Registry } from "../../worker/registry/object.ts";
import type { Env } from "../../worker/env.ts";
import type { Random } from "../helpers/random.ts";
import { Bucket } from "./bucket.ts";
import { envOf, type Lines } from "./calls.ts";
import { Client } from "./client.ts";
import { Clock } from "./clock.ts";
import { SimulatedCluster } from "./cluster.ts";
import type { Wires } from "./connection.ts";
import { Host, type Happening, type Instance } from "./host.ts";
import { SimulatedJob } from "./job.ts";
import { drawJob, type Given, type ScheduleOptions } from "./options.ts";
import { Receiver } from "./receiver.ts";
import type { SimulatedRunner } from "./runner.ts";
import { ObjectStore } from "./store.ts";
import { StoredSystem } from "./stored.ts";
import { WorldChecks } from "./world-checks.ts";

/** Virtual time starts here, in ms since 1970. */
const start = Date.UTC(2030, 0, 1);

/** The objects' lease, in s. */
const leaseSeconds = 30;

type HostedObject = {
  readonly kind: string;
  readonly storageFails: boolean;
  /** Called before an event; what it returns is called after it. */
  readonly observe: (what: Happening) => () => void;
};

/** Jobs, the Worker's objects, a cluster and a store, in virtual time, with everything that goes wrong between them. */
export class World {
  readonly leaseMs = leaseSeconds * 1000;
  readonly clock = new Clock(start);
  readonly random: Random;
  readonly options: ScheduleOptions;
  /** For the jobs' data. */
  readonly store: ObjectStore;
  /** For the artifacts. */
  readonly bucket: Bucket;
  readonly checks: WorldChecks;
  readonly jobs: readonly SimulatedJob[];
  readonly clusterHost: Host<ClusterObject>;
  readonly registry: Host<Registry>;
  readonly cluster: SimulatedCluster;
  readonly client: Client;
  readonly receiver: Receiver;
  readonly #stored: StoredSystem | undefined;
  readonly wires: Wires;
  readonly lines: Lines;
  /** Whether nobody can connect. */
  isUnreachable = false;
  /** Whether no call between objects gets through. */
  isMute = false;
  /** The probabilities that something fails spontaneously. Nothing does before `begin`. */
  readonly odds = { call: 0, crash: 0, storage: 0, alarmTwice: 0.05 };

  constructor(options: ScheduleOptions, given: Given, random: Random, isTraced: boolean) {
    this.options = options;
    this.random = random;
    const { clock, odds } = this;
    this.store = new ObjectStore(clock, random, options.slowestAnswer);
    this.wires = { clock, random, heartbeatMs: Math.min(10_000, this.leaseMs / 3) };
    this.lines = { clock, random, odds, slowest: options.slowestCall, isMute: () => this.isMute };
    this.checks = new WorldChecks(this, isTraced);
    this.bucket = new Bucket(random, odds, (key) => this.checks.deleting(key));
    this.clusterHost = this.host((ctx, env) => new ClusterObject(ctx, env), {
      kind: "cluster",
      storageFails: true,
      observe: (what) => this.checks.note("the cluster", what),
    });
    this.registry = this.host((ctx, env) => new Registry(ctx, env), {
      kind: "registry",
      storageFails: true,
      observe: (what) => this.checks.observeRegistry(what),
    });
    this.#stored = options.isUpgrade ? new StoredSystem(this, options.jobs) : undefined;
    this.jobs =
      this.#stored?.jobs.map(
        ([id, known]) => new SimulatedJob(id, { ...drawJob(random, options, given), ...known }, this, true),
      ) ??
      Array.from(
        { length: options.jobs },
        (_, index) => new SimulatedJob(`J${index}`, drawJob(random, options, given), this, false),
      );
    this.cluster = new SimulatedCluster(this);
    this.client = new Client(this);
    this.receiver = new Receiver(clock, (id) => this.jobOf(id), random.int(0, 2 ** 31));
  }

  /** Creates what existed before. */
  async prepare(): Promise<void> {
    await this.#stored?.load();
    await this.client.prepare();
  }

  /** Lets users act and things go wrong. */
  begin(): void {
    const { clock, client, cluster, options, random } = this;
    Object.assign(this.odds, { call: options.call, crash: options.crash, storage: options.storage });
    for (const job of this.jobs) {
      const { postAfter, stopAfter, refusedAfter, troubles, resumptions, resumeEvery } = job.options;
      if (!job.isStored) clock.after(postAfter, () => void client.post(job));
      if (stopAfter !== undefined) clock.after(postAfter + stopAfter, () => void client.stop(job));
      for (let i = 1; i <= resumptions; i++) clock.after(postAfter + i * resumeEvery, () => void client.resume(job));
      if (refusedAfter !== undefined) clock.after(refusedAfter, () => cluster.refuse(job));
      for (let i = 0; i < troubles; i++) clock.after(random.between(0, options.faultsFor), () => cluster.trouble(job));
      if (job.isBlocked) clock.after(job.options.blockedUntil, () => cluster.agent.arrange());
    }
    if (options.replacedAfter !== undefined) clock.after(options.replacedAfter, () => void client.upload("mapper"));
    if (options.deserted !== undefined) clock.after(options.deserted, () => cluster.desert());
  }

  /** From here on, nothing fails spontaneously. */
  calm(): void {
    Object.assign(this.odds, { call: 0, crash: 0, storage: 0 });
  }

  host<T extends Instance>(
    make: (ctx: DurableObjectState, env: Env) => T,
    { kind, storageFails, observe }: HostedObject,
  ): Host<T> {
    const { clock, random } = this;
    const around = {
      job: (id: string) => this.jobOf(id).host,
      cluster: () => this.clusterHost,
      registry: () => this.registry,
      bucket: this.bucket,
    };
    const host: Host<T> = new Host({
      kind,
      clock,
      random,
      odds: this.odds,
      storageFails,
      fault: (what) => this.checks.fault(what),
      observe,
      make: (ctx, life) =>
        make(
          ctx,
          envOf(this.lines, async (begin) => await host.call(life, begin), around, leaseSeconds),
        ),
    });
    return host;
  }

  jobOf(id: string): SimulatedJob {
    const job = this.jobs.find((candidate) => candidate.id === id);
    if (job === undefined) throw new Error(`there is no job ${id}`);
    return job;
  }

  /** Virtual ms since the start. */
  get elapsed(): number {
    return this.clock.now - start;
  }

  get runners(): SimulatedRunner[] {
    return this.cluster.runners;
  }

  get hosts(): readonly Host<Instance>[] {
    return [this.registry, this.clusterHost, ...this.jobs.map(({ host }) => host)];
  }

  close(): void {
    for (const host of this.hosts) host.close();
  }
}

import { JobRequestSchema } from "../../shared/api/job-request.ts";
import type { Assignment } from "../../shared/protocol/tasks.ts";
import type { JobStatus } from "../../shared/status.ts";
import { ClusterObject } from "../../worker/cluster/object.ts";
import { JobObject } from "../../worker/job/object.ts";
import type { JobSpec, PinnedProgram } from "../../worker/job/spec.ts";
import type { Env } from "../../worker/env.ts";
import { SimulatedCluster } from "./agent.ts";
import { Checks } from "./checks.ts";
import { Clock } from "./clock.ts";
import type { Wires } from "./connection.ts";
import { Host, type Life } from "./host.ts";
import type { ScheduleOptions } from "./options.ts";
import { addressOf, outputFolder } from "./places.ts";
import type { Random } from "../helpers/random.ts";
import type { SimulatedRunner } from "./runner.ts";
import { ObjectStore } from "./store.ts";

/** Virtual time begins here, in ms since 1970. */
const start = Date.UTC(2030, 0, 1);

/** Of the objects, in ms. */
const leaseSeconds = 30;

const program = (name: string): PinnedProgram => ({ name, type: "executable", size: 1, hash: "00", key: name });

const fail = (why: unknown) => (): never => {
  throw why;
};

/** One job, its objects, its cluster and its store, in virtual time, with all that goes wrong between them. */
export class World {
  readonly jobId = "J";
  readonly leaseMs = leaseSeconds * 1000;
  readonly clock = new Clock(start);
  readonly random: Random;
  readonly options: ScheduleOptions;
  readonly store: ObjectStore;
  readonly checks: Checks;
  readonly job: Host<JobObject>;
  readonly clusterHost: Host<ClusterObject>;
  readonly cluster: SimulatedCluster;
  readonly wires: Wires;
  /** Uploads that the job has said that it has heard of. */
  readonly noted = new Set<string>();
  /** Nobody can dial. */
  isUnreachable = false;
  /** No call between objects gets through. */
  isMute = false;
  /** How probable it is that such a call fails, and that an object dies of an event. */
  odds = { call: 0, crash: 0, alarmTwice: 0.05 };
  /** What the Registry knows. */
  published: { status: JobStatus; version: number; ended: boolean } | undefined;

  /** Whether all that happens is written to standard error. */
  readonly isTraced: boolean;

  constructor(options: ScheduleOptions, random: Random, isTraced: boolean) {
    this.isTraced = isTraced;
    this.options = options;
    this.random = random;
    const { clock } = this;
    this.store = new ObjectStore(clock, random, options.slowestAnswer);
    this.wires = { clock, random, heartbeatMs: Math.min(10_000, this.leaseMs / 3) };
    const fault = (what: string): void => this.checks.fault(what);
    const host = { clock, random, fault, odds: this.odds };
    this.job = new Host({
      ...host,
      make: (ctx, life) =>
        new JobObject(
          ctx,
          this.#env(life, () => this.job),
        ),
      observe: (what) => this.checks.observe(what),
    });
    this.clusterHost = new Host({
      ...host,
      make: (ctx, life) =>
        new ClusterObject(
          ctx,
          this.#env(life, () => this.clusterHost),
        ),
      observe: (what) => {
        this.checks.trace(`the cluster: ${what.kind === "message" ? what.text.slice(0, 200) : what.kind}`);
        return () => undefined;
      },
    });
    this.checks = new Checks(this);
    this.job.enter(async (object) => await object.create(this.#spec(), Infinity));
    this.cluster = new SimulatedCluster(this);
  }

  /** How long a step of a task takes, in ms. Some take very much longer than others. */
  effort(_task: Assignment): number {
    const { random } = this;
    return random.between(20, 1000) * (random.chance(this.options.slowSteps) ? 50 : 1);
  }

  isDeadly({ kind, index }: Assignment): boolean {
    return kind === "map" && index === this.options.deadly;
  }

  /** Why an attempt of a task fails, or undefined when it does not. */
  failureOf({ kind, index }: Assignment): { message: string; final: boolean } | undefined {
    const { random, options } = this;
    const name = `${kind} ${String.fromCharCode(97 + index)}`;
    if (kind === options.broken) return { message: `line ${index}: no such function`, final: false };
    if (kind === "map" && index === options.poisoned)
      return { message: `${name} cannot be read`, final: random.chance(0.3) };
    if (!random.chance(options.failures)) return undefined;
    return { message: `${name} had no luck`, final: random.chance(options.finality) };
  }

  /** Makes an upload visible. */
  commit(path: string, uploadId: string, attempt: string): "completed" | "lost" {
    this.checks.committing(path);
    return this.store.completeUpload(path, uploadId, attempt);
  }

  /** Writes `_SUCCESS`. */
  succeed(attempt: string): void {
    this.checks.succeeding();
    this.store.put(addressOf(`${outputFolder}_SUCCESS`), [], attempt);
  }

  /** Virtual ms since the beginning. */
  get elapsed(): number {
    return this.clock.now - start;
  }

  get runners(): SimulatedRunner[] {
    return [...this.cluster.runners];
  }

  close(): void {
    this.job.close();
    this.clusterHost.close();
  }

  #spec(): JobSpec {
    const { maps, reducers, maxAttempts, maxLosses, maxFailedMapsPercent, speculation, deadlineSeconds } = this.options;
    const access = { username: "u", password: "p" };
    return {
      id: this.jobId,
      createdAt: this.clock.now,
      submittedBy: "simulation",
      cluster: "default",
      credentialSecrets: [],
      request: JobRequestSchema.parse({
        inputPath: addressOf("input/"),
        outputPath: addressOf("out"),
        mapperName: "mapper",
        ...(reducers > 0 && { reducerName: "reducer" }),
        nReducers: reducers,
        splitSize: maps > 0 ? 100 : undefined,
        maxAttempts,
        maxLosses,
        maxFailedMapsPercent,
        speculation,
        deadlineSeconds,
        inputStorageCredentials: access,
        outputStorageCredentials: access,
      }),
      programs: { mapper: program("mapper"), reducer: program("reducer") },
    };
  }

  /** What an instance of an object sees of the others. */
  #env(life: Life, from: () => Host<JobObject> | Host<ClusterObject>): Env {
    const call = async <R>(run: () => Promise<R>): Promise<R> => await this.#call(life, from(), run);
    const jobs = {
      report: async (...args: Parameters<JobObject["report"]>) =>
        await call(async () => await this.#into(this.job, async (object) => await object.report(...args))),
    };
    const clusters = {
      want: async (...args: Parameters<ClusterObject["want"]>) =>
        await call(async () => await this.#into(this.clusterHost, async (object) => await object.want(...args))),
      remove: async (...args: Parameters<ClusterObject["remove"]>) =>
        await call(async () => await this.#into(this.clusterHost, async (object) => await object.remove(...args))),
      agentAbsentSince: async () =>
        await call(async () => await this.#into(this.clusterHost, async (object) => await object.agentAbsentSince())),
    };
    const registry = {
      publish: async (view: { status: JobStatus }, version: number, ended: boolean) =>
        await call(async () => {
          if (version < (this.published?.version ?? 0)) return;
          this.published = { status: view.status, version, ended };
        }),
    };
    const env = {
      SECRET_KEY: "a key of the simulation, long enough to be one",
      LEASE_SECONDS: String(leaseSeconds),
      JOBS: { getByName: () => jobs },
      CLUSTERS: { getByName: () => clusters },
      REGISTRY: { getByName: () => registry },
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has what the objects use
    return env as unknown as Env;
  }

  /** Runs a method of an object as an event of its own; fails where the object dies of it. */
  async #into<T extends JobObject | ClusterObject, R>(host: Host<T>, method: (object: T) => Promise<R>): Promise<R> {
    return await new Promise<R>((resolve, reject) => {
      host.enter(
        async (object) => {
          const value = await method(object);
          // As with all that it sends: not before what it has written is stored.
          host.send(() => resolve(value));
        },
        { kind: "other" },
        () => reject(new Error("the object died")),
      );
    });
  }

  /** A call from one object to another: it may not get there, and its answer may not come back. */
  async #call<R>(life: Life, from: Host<JobObject> | Host<ClusterObject>, run: () => Promise<R>): Promise<R> {
    const { clock, random } = this;
    return await from.call<R>(life, (settle) => {
      const isRefused = this.isMute || random.chance(this.odds.call);
      const isUnanswered = random.chance(this.odds.call);
      const answer = (outcome: () => R): void => {
        clock.after(random.between(1, this.options.slowestCall), () => settle(outcome));
      };
      clock.after(random.between(1, this.options.slowestCall), () => {
        if (isRefused) answer(fail(new Error("the call did not get through")));
        else {
          void run().then(
            (value) => answer(isUnanswered ? fail(new Error("the answer was lost")) : () => value),
            (error: unknown) => answer(fail(error)),
          );
        }
      });
    });
  }
}

import type { PinnedProgram } from "../../worker/job/spec.ts";
import { stubOf, type Caller } from "./calls.ts";
import type { SimulatedJob } from "./job.ts";
import type { World } from "./world.ts";

/** The longest pause between two attempts at a request, in ms. */
const slowRetry = 60_000;
/** Attempts at a repeated request. */
const mostTries = 20;

/** The users' actions over the REST API: the calls are those of worker/routes, and the caller can die between any two. */
export class Client {
  readonly #world: World;
  /** The request's isolate can die with each answer. */
  readonly #caller: Caller;
  #uploads = 0;

  constructor(world: World) {
    this.#world = world;
    this.#caller = async (start) =>
      await new Promise((resolve, reject) => {
        start((outcome) => {
          if (world.random.chance(world.odds.crash)) return;
          try {
            resolve(outcome());
          } catch (error) {
            reject(error);
          }
        });
      });
  }

  /** Uploads the programs of all jobs, before anything can fail. */
  async prepare(): Promise<void> {
    for (const name of ["mapper", "reducer"]) {
      const program = this.#nextContent(name);
      this.#world.bucket.contents.add(program.key);
      // If one of them fails, the checks notice.
      void this.#world.registry.invoke("beginContent", [program.key]);
      void this.#world.registry.invoke("putArtifact", [program, "client"]);
      await this.#world.clock.settle();
    }
  }

  /** Posts a job. A request with a key is repeated until it is answered. */
  async post(job: SimulatedJob): Promise<void> {
    for (let tries = job.options.isRepeated ? mostTries : 1; tries > 0; tries--) {
      // A request whose isolate died is never answered; the user waits no longer than this.
      const patience = this.#world.clock.sleep(2 * 60_000 + 4 * this.#world.options.slowestCall);
      try {
        if (await Promise.race([this.#create(job), patience.then(() => false)])) {
          job.checks.isAnswered = true;
          return;
        }
      } catch (error) {
        this.#world.checks.trace(`posting ${job.id}: ${String(error)}`);
      }
      await this.#world.clock.sleep(this.#world.random.between(0, slowRetry));
    }
  }

  async stop(job: SimulatedJob): Promise<void> {
    await this.#ask(async () => await stubOf(this.#world.lines, this.#caller, job.host).stop());
  }

  /** Resumes a held job, as worker/routes/again.ts does. */
  async resume(job: SimulatedJob): Promise<void> {
    const { lines, registry: registryHost } = this.#world;
    const { replaces, reducers } = job.options;
    const role = replaces === "reducer" && reducers === 0 ? "nothing" : replaces;
    const object = stubOf(lines, this.#caller, job.host);
    await this.#ask(async () => {
      const kept = await object.request();
      if (kept === null) return;
      if (role !== "nothing") await this.upload(role);
      const names = role === "nothing" ? {} : { [role]: role };
      const pinned = await stubOf(lines, this.#caller, registryHost).pinAgain(job.id, names);
      if (pinned.kind !== "pinned") throw new Error(`an artifact is ${pinned.kind}`);
      const changed = role === "nothing" ? [] : [`${role}Name`];
      await object.resume({ request: kept.request, changed, programs: pinned.programs, files: [], archives: [] });
    });
  }

  async describe(job: SimulatedJob): Promise<void> {
    await this.#ask(async () => await stubOf(this.#world.lines, this.#caller, job.host).describe());
  }

  /** Uploads a program, replacing the one of that name. */
  async upload(name: string): Promise<void> {
    const program = this.#nextContent(name);
    const registry = stubOf(this.#world.lines, this.#caller, this.#world.registry);
    await this.#ask(async () => {
      await registry.beginContent(program.key);
      this.#world.bucket.contents.add(program.key);
      await registry.putArtifact(program, "client");
    });
  }

  #nextContent(name: string): PinnedProgram {
    return { name, type: "executable", size: 1, hash: "00", key: `${name}-${++this.#uploads}` };
  }

  /** Creates a job as worker/routes/jobs.ts does. @returns whether the job exists */
  async #create(job: SimulatedJob): Promise<boolean> {
    const { lines, clock, registry: registryHost } = this.#world;
    const registry = stubOf(lines, this.#caller, registryHost);
    const idempotency = { caller: "simulation", key: job.id, fingerprints: ["f"] };
    const reservation = await registry.createJob({
      id: job.id,
      createdAt: clock.now,
      cluster: "default",
      names: { mapper: "mapper", ...(job.options.reducers > 0 && { reducer: "reducer" }) },
      ...(job.options.isRepeated && { idempotency }),
    });
    const object = stubOf({ ...lines, slowest: job.options.slowestCreation }, this.#caller, job.host);
    if (reservation.kind === "exists") return (await object.describe()) !== null;
    if (reservation.kind !== "reserved") throw new Error(`the job is not created: ${reservation.kind}`);
    const { createdAt, createBefore, programs } = reservation;
    const created = await object.create(job.spec(createdAt, programs), createBefore);
    if (created === null) return false;
    await registry.confirmJob(created);
    return true;
  }

  /** Does not repeat a failed request. */
  async #ask(request: () => Promise<unknown>): Promise<void> {
    try {
      await request();
    } catch (error) {
      this.#world.checks.trace(`a request failed: ${String(error)}`);
    }
  }
}

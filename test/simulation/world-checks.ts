import { z } from "zod";
import { JobStore } from "../../worker/job/store.ts";
import { isEnded } from "../../shared/status.ts";
import { viewSnapshot } from "../../worker/job/views.ts";
import { StorageError, type Happening } from "./host.ts";
import type { SimulatedJob } from "./job.ts";
import type { World } from "./world.ts";

const RegistryRowSchema = z.object({
  snapshot: z.string().nullable(),
  ended: z.int(),
  reserved_until: z.int().nullable(),
});

/** Checks the invariants between the objects. */
export class WorldChecks {
  readonly faults: string[] = [];
  readonly #world: World;
  /** Whether all events are written to standard error. */
  readonly #isTraced: boolean;

  constructor(world: World, isTraced: boolean) {
    this.#world = world;
    this.#isTraced = isTraced;
    // An object logs an error when something is wrong. A failed message or a failing storage does not count.
    console.error = (text: unknown, cause: unknown) => {
      if (!(cause instanceof StorageError)) this.fault(`${String(text)}: ${String(cause)}`);
    };
  }

  /** For debugging a single schedule: prints everything that happens. */
  trace(what: string): void {
    if (this.#isTraced) process.stderr.write(`${this.#world.elapsed} ${what}\n`);
  }

  /** @returns a function that does nothing, to call after the event */
  note(whom: string, what: Happening): () => void {
    if (this.#isTraced) {
      const text = what.kind === "message" ? what.text.slice(0, 200) : what.kind === "call" ? what.method : what.kind;
      this.trace(`${whom}: ${text}`);
    }
    return () => undefined;
  }

  fault(what: string): void {
    if (this.faults.length < 5) this.faults.push(`after ${this.#world.elapsed} ms ${what}`);
  }

  /** Called before an event of the Registry. @returns what to call after it */
  observeRegistry(what: Happening): () => void {
    this.note("the Registry", what);
    return () => {
      const open = this.#world.jobs.filter(({ checks }) => checks.isOpen);
      if (open.length === 0) return;
      const pinned = new Set(this.#registry("SELECT job_id FROM pin").map(({ job_id }) => job_id));
      for (const { id } of open) if (!pinned.has(id)) this.fault(`the programs of ${id} are let go, and it needs them`);
    };
  }

  /** A content is being deleted. */
  deleting(key: string): void {
    const held = this.#registry(
      "SELECT key FROM artifact WHERE key = ?1 UNION SELECT key FROM pin WHERE key = ?1",
      key,
    );
    if (held.length > 0) this.fault(`the content ${key} is deleted, and somebody holds it`);
    for (const { id, checks } of this.#world.jobs) {
      if (checks.needs(key)) this.fault(`the content ${key} is deleted, and ${id} needs it`);
    }
  }

  /** Everything that was reported must have arrived by now. */
  whenQuiet(): void {
    const { jobs, cluster } = this.#world;
    if (cluster.isDeserted) return;
    for (const { id, checks } of jobs.filter((job) => job.isBlocked && job.checks.isOpen)) {
      const current = isEnded(checks.job().status) ? [] : cluster.jobOf(id).conditions;
      const [shown, known] = [checks.conditions(), current].map((list) => JSON.stringify(list));
      if (shown !== known) this.fault(`${id} shows the conditions ${shown}, and ${known} is so`);
    }
  }

  /** The invariants once everything is quiet and the jobs are still stored. */
  atTheEnd(strikes: number): void {
    const { jobs, cluster, clusterHost, options } = this.#world;
    for (const job of jobs) {
      job.checks.atTheEnd(strikes);
      this.#listed(job);
    }
    // If no agent is left, nothing can show that what was wanted arrived after the removal.
    if (options.deserted !== undefined || jobs.some(({ checks }) => checks.isAbandoned)) return;
    for (const table of ["wanted_job", "removal", "report"]) {
      if (clusterHost.storage.exec(`SELECT 1 FROM ${table}`).toArray().length > 0)
        this.fault(`at the end ${table} is not empty`);
    }
    if (cluster.runners.length > 0) this.fault(`at the end ${cluster.runners.length} runners are left`);
  }

  /** The invariants after all jobs have been forgotten. */
  afterRetention(): void {
    const { jobs, bucket } = this.#world;
    if (jobs.some(({ checks }) => checks.isAbandoned)) return;
    for (const { id, host } of jobs) {
      const left = [...host.storage.tables(), ...(host.storage.alarm === null ? [] : ["an alarm"])];
      if (left.length > 0) this.fault(`of ${id} there is left after its retention: ${left.join(", ")}`);
    }
    for (const table of ["job", "pin", "leaving", "garbage", "idempotency", "upload"]) {
      const left = this.#registry(`SELECT * FROM ${table}`);
      if (left.length > 0)
        this.fault(`the Registry has left after the retention, in ${table}: ${JSON.stringify(left)}`);
    }
    const named = this.#registry("SELECT key FROM artifact").map(({ key }) => String(key));
    const contents = [...bucket.contents];
    if (JSON.stringify(contents.toSorted()) !== JSON.stringify(named.toSorted())) {
      this.fault(`there are the contents ${contents.join(", ")}, and named are ${named.join(", ")}`);
    }
  }

  /** The list shows the last state of a job, and nothing of one that never existed. */
  #listed({ id, checks, host, isStored }: SimulatedJob): void {
    const rows = this.#registry("SELECT snapshot, ended, reserved_until FROM job WHERE id = ?", id);
    const pins = this.#registry("SELECT 1 FROM pin WHERE job_id = ?", id);
    if (!checks.exists) {
      if (rows.length + pins.length > 0) this.fault(`${id} was never created, and the Registry keeps it`);
      if (checks.isAnswered) this.fault(`${id} does not exist, and its user was told that it does`);
      return;
    }
    if (checks.isAbandoned) return;
    if (pins.length > 0) this.fault(`the programs of ${id} are held, and it has been released`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has everything the store uses of the platform
    const storage = {
      sql: host.storage,
      transactionSync: <T>(change: () => T) => change(),
    } as unknown as DurableObjectStorage;
    const [row] = rows.map((found) => RegistryRowSchema.parse(found));
    const now = JSON.stringify({ ...viewSnapshot(openStore(storage)), outputs: [] });
    // What release 0.1.0 listed of a job that it ended stays unchanged, and says less.
    const [listed, expected] = [row?.snapshot ?? "{}", now].map((text) =>
      isStored ? JSON.stringify(outcomeOf(text)) : text,
    );
    if (listed !== expected) this.fault(`${id} is ${now}, and the list shows ${row?.snapshot}`);
    if (row?.ended !== 1) this.fault(`${id} has been released, and the Registry does not know`);
  }

  #registry(query: string, ...bindings: string[]): readonly Record<string, unknown>[] {
    return this.#world.registry.storage.exec(query, ...bindings).toArray();
  }
}

const outcomeOf = (snapshot: string): unknown =>
  z.object({ status: z.string(), endTime: z.int().nullable() }).parse(JSON.parse(snapshot));

const openStore = (storage: DurableObjectStorage): JobStore => {
  const store = new JobStore(storage);
  store.exists();
  return store;
};

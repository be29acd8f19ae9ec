import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { JobRowSchema } from "../../shared/engine/machine.ts";
import { seal } from "../../worker/job/credentials.ts";
import type { JobSpec } from "../../worker/job/spec.ts";
import type { Env } from "../../worker/env.ts";
import { Database } from "./database.ts";
import { access, type SimulatedJob } from "./job.ts";
import type { JobOptions } from "./options.ts";
import { secretKey } from "./secret-key.ts";
import type { Storage } from "./storage.ts";
import type { World } from "./world.ts";

/** Databases written by release 0.1.0 (see test/worker/databases), for objects that do not start empty. */

const folder = join(import.meta.dirname, "../worker/databases/0.1.0");

const jobNames = [
  "pending",
  "planning",
  "mapping",
  "reducing",
  "committing",
  "stopped",
  "completed",
  "failed",
  "leaving",
];

const header = /^-- \w+ (?<name>\S+)\n-- written: (?<written>\d+)\n-- alarm: (?<alarm>\d+|none)\n/;
const HeaderSchema = z.object({ name: z.string(), written: z.coerce.number(), alarm: z.string() });

/** Timestamps by the clock of the writer, in ms. */
const times = /\b1893\d{9}\b/g;

/** @param now the time to shift the writing to, in ms */
const read = (file: string, now: number): { name: string; sql: string; alarm: number | null } => {
  const text = readFileSync(join(folder, `${file}.sql`), "utf8");
  const { name, written, alarm } = HeaderSchema.parse(header.exec(text)?.groups);
  const shifted = (time: string): number => Number(time) + now - written;
  const sql = text.replaceAll(times, (time) => String(shifted(time)));
  return { name, sql, alarm: alarm === "none" ? null : shifted(alarm) };
};

const JobColumnsSchema = z.object({ spec: z.string(), row: z.string() });
const OutputSchema = z.object({ path: z.string(), uploadId: z.string().optional() });
const TaskColumnsSchema = z.object({ kind: z.string(), idx: z.int(), winner: z.string(), output: z.string() });
const UploadColumnsSchema = z.object({ upload_id: z.string(), path: z.string(), attempt: z.string() });

/** What a schedule's system has stored when today's release starts. */
export class StoredSystem {
  readonly #jobs: ReadonlyMap<string, ReturnType<typeof read>>;
  readonly #world: World;

  /** @param count the number of jobs in it */
  constructor(world: World, count: number) {
    this.#world = world;
    const names = world.random.shuffled(jobNames).slice(0, count);
    this.#jobs = new Map(names.map((file) => read(file, world.clock.now)).map((stored) => [stored.name, stored]));
  }

  /** The jobs, with what is known of each from its user's request. */
  get jobs(): readonly (readonly [string, Partial<JobOptions>])[] {
    return [...this.#jobs].map(([id, { sql }]) => [id, optionsOf(sql)]);
  }

  /** Stores everything, before anything happens. */
  async load(): Promise<void> {
    const { registry, clusterHost, bucket, jobs, clock } = this.#world;
    const ids = JSON.stringify([...this.#jobs.keys()]);
    const others = "NOT IN (SELECT value FROM json_each(?))";
    put(registry.storage, read("registry", clock.now));
    put(clusterHost.storage, read("cluster", clock.now));
    for (const table of ["job", "leaving"]) registry.storage.exec(`DELETE FROM ${table} WHERE id ${others}`, ids);
    for (const table of ["pin", "idempotency"])
      registry.storage.exec(`DELETE FROM ${table} WHERE job_id ${others}`, ids);
    for (const table of ["wanted_job", "removal"]) {
      clusterHost.storage.exec(`DELETE FROM ${table} WHERE job ${others}`, ids);
    }
    for (const table of ["artifact", "pin", "garbage", "upload"]) {
      for (const { key } of registry.storage.exec(`SELECT key FROM ${table}`))
        bucket.contents.add(z.string().parse(key));
    }
    for (const job of jobs) await this.#loadJob(job);
    for (const host of [registry, clusterHost, ...jobs.map((job) => job.host)]) host.watchAlarm();
  }

  async #loadJob({ id, host: { storage }, options, folders, checks, noted }: SimulatedJob): Promise<void> {
    const stored = this.#jobs.get(id);
    if (stored === undefined) throw new Error(`${id} was not stored`);
    const { store } = this.#world;
    put(storage, stored);
    // The simulated cryptography cannot open what the real one sealed.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has what sealing needs
    const sealed = await seal({ SECRET_KEY: secretKey } as Env, id, { input: access, output: access }, undefined);
    storage.exec("UPDATE secret SET sealed = ?", sealed.secrets);
    for (const row of storage.exec("SELECT upload_id, path, attempt FROM upload")) {
      const { upload_id, path, attempt } = UploadColumnsSchema.parse(row);
      store.uploads.set(upload_id, { path, content: [], attempt });
      noted.add(upload_id);
    }
    for (const row of storage.exec(
      "SELECT kind, idx, winner, output FROM task WHERE output IS NOT NULL AND winner IS NOT NULL",
    )) {
      const { kind, idx, winner, output } = TaskColumnsSchema.parse(row);
      const { path, uploadId } = OutputSchema.parse(JSON.parse(output));
      const content = kind === "map" ? [idx] : Array.from({ length: options.maps }, (_, i) => i);
      if (uploadId === undefined) store.put(path, content, winner);
      else store.uploads.set(uploadId, { path, content, attempt: winner });
    }
    if (checks.lookAgain() === "completed") store.put(`${folders.output}_SUCCESS`, [], "");
  }
}

const put = (storage: Storage, { sql, alarm }: { sql: string; alarm: number | null }): void => {
  storage.load(sql);
  storage.alarm = alarm;
};

/** What is known of a stored job from its user's request. */
const optionsOf = (sql: string): Partial<JobOptions> => {
  const database = new Database();
  database.exec(sql, []);
  const columns = JobColumnsSchema.parse(database.exec("SELECT spec, row FROM job", []).rows[0]);
  database.close();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was a JobSpec when it was stored
  const { request } = JSON.parse(columns.spec) as JobSpec;
  const row = JobRowSchema.parse(JSON.parse(columns.row));
  const { maxAttempts, maxFailedMapsPercent, speculation, deadlineSeconds } = request;
  const isPlanned = row.status !== "pending" && row.status !== "planning";
  return {
    ...(isPlanned && { maps: row.maps.total }),
    reducers: row.mapOnly ? 0 : row.nReducers,
    maxAttempts,
    maxFailedMapsPercent,
    speculation,
    deadlineSeconds,
  };
};

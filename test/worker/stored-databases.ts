import { env, evictAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { z } from "zod";
import { clusterOf, jobOf, registryOf, type Env } from "../../worker/env.ts";
import { call } from "./api.ts";
import { password } from "./job-fixture.ts";

/** Times in ms, as the fake clock wrote them into the databases. No other number has 13 digits and this prefix. */
const times = /\b1893\d{9}\b/g;

const files = z
  .record(z.string(), z.string())
  .parse(import.meta.glob("./databases/*/*.sql", { query: "?raw", import: "default", eager: true }));

/** The releases whose databases are stored. */
export const earlierReleases = [...new Set(Object.keys(files).map((path) => path.split("/")[2] ?? ""))];

/** The stored jobs of each release, named by their state. */
export const storedJobs = [
  "leaving",
  "completed",
  "failed",
  "stopped",
  "committing",
  "reducing",
  "mapping",
  "planning",
  "pending",
] as const;
export type StoredJob = (typeof storedJobs)[number];

/** An object, everything that it stored, and the time of its alarm in ms. */
type Database = { readonly object: DurableObjectStub<undefined>; readonly sql: string; readonly alarm: number | null };

const header = /^-- (?<kind>\w+) (?<name>\S+)\n-- written: (?<written>\d+)\n-- alarm: (?<alarm>\d+|none)\n/;
const HeaderSchema = z.object({
  kind: z.enum(["ClusterObject", "JobObject", "Registry"]),
  name: z.string(),
  written: z.coerce.number(),
  alarm: z.string(),
});

const objects = {
  ClusterObject: (name: string) => clusterOf(env, name),
  JobObject: (name: string) => jobOf(env, name),
  Registry: () => registryOf(env),
};

/** Parses a database, with its times moved. @param now the new time of writing, in ms */
const databaseOf = (text: string, now: number): Database & { readonly name: string } => {
  const { kind, name, written, alarm } = HeaderSchema.parse(header.exec(text)?.groups);
  const shifted = (time: string): number => Number(time) + now - written;
  const sql = text.replaceAll(times, (time) => String(shifted(time)));
  return { name, object: objects[kind](name), sql, alarm: alarm === "none" ? null : shifted(alarm) };
};

/**
 * Replaces all storage by the databases of a release, and evicts all objects, as a deployment does. Alarms are set last, because
 * the objects call each other.
 *
 * @param age how long ago the databases were written, in ms
 * @returns the jobs' ids
 */
export const storeDatabases = async (release: string, age = 0): Promise<Record<StoredJob, string>> => {
  const now = Date.now() - age;
  const read = (name: string) => databaseOf(files[`./databases/${release}/${name}.sql`] ?? "", now);
  const jobDatabases = storedJobs.map((name) => [name, read(name)] as const);
  const databases = [read("cluster"), read("registry"), ...jobDatabases.map(([, database]) => database)];
  for (const { object, sql } of databases) {
    await runInDurableObject(object, async (_, { storage }) => {
      await storage.deleteAll();
      storage.sql.exec(sql);
    });
  }
  await evictAllDurableObjects({ webSockets: "close" });
  for (const { object, alarm } of databases) {
    if (alarm !== null) await runInDurableObject(object, async (_, { storage }) => await storage.setAlarm(alarm));
  }
  return z
    .record(z.enum(storedJobs), z.string())
    .parse(Object.fromEntries(jobDatabases.map(([key, { name }]) => [key, name])));
};

const token = "token-of-alice-16-or-more";

/** The environment in which the databases were written. */
const aliceEnv: Env = { ...env, OPEN_TO: undefined, API_TOKENS: `alice/admin=${token}` };

/** Calls the REST API as the user whose jobs are stored. @param path without `/api/v1/` */
export const askAsAlice = async (
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: BodyInit,
): Promise<Response> =>
  await call(method, `/api/v1/${path}`, {
    env: aliceEnv,
    headers: { ...headers, Authorization: `Bearer ${token}` },
    body,
  });

const credentials = { username: "me", password };

/** The request of the stored jobs. Some replace fields of it. */
export const storedRequest = {
  inputPath: "http://store/input/",
  outputPath: "http://store/out",
  mapperName: "mapper",
  reducerName: "reducer",
  nReducers: 2,
  splitSize: 100,
  inputStorageCredentials: credentials,
  outputStorageCredentials: credentials,
};

type Described = { readonly columns: unknown; readonly indexes: unknown };

/** An object's tables and indexes, by name, except `schema_version`, which release 0.1.0 did not have. */
export const schemaOf = async (object: DurableObjectStub<undefined>): Promise<Record<string, Described>> =>
  await runInDurableObject(object, (_, { storage: { sql } }) =>
    Object.fromEntries(
      sql
        .exec(
          `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
           AND name != 'schema_version' ORDER BY name`,
        )
        .toArray()
        .map(({ name }) => [
          String(name),
          {
            columns: sql
              .exec(`SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY name`, name)
              .toArray(),
            indexes: sql.exec(`SELECT name, "unique", partial FROM pragma_index_list(?) ORDER BY name`, name).toArray(),
          },
        ]),
    ),
  );

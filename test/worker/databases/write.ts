import { env, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { JobSchema } from "../../../shared/api/jobs.ts";
import { AgentAnswerSchema, AgentNoticeSchema, AgentRequestSchema } from "../../../shared/protocol/agent.ts";
import { protocolVersion } from "../../../shared/protocol/versions.ts";
import { release } from "../../../shared/release.ts";
import { clusterOf, registryOf } from "../../../worker/env.ts";
import { retireJobs } from "../../../worker/registry/retention.ts";
import { jsonOf } from "../api.ts";
import { JobFixture } from "../job-fixture.ts";
import { hangUp, Peer } from "../peer.ts";
import { askAsAlice, storedJobs, storedRequest } from "../stored-databases.ts";
import { pass, situations, told } from "./situations.ts";

const files = z.object({ FILES: z.custom<Fetcher>((value) => typeof value === "object") }).parse(env).FILES;

/** A value as an SQL literal. */
const literal = (value: SqlStorageValue): string => {
  if (value === null) return "NULL";
  if (value instanceof ArrayBuffer) return `X'${new Uint8Array(value).toHex()}'`;
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
};

/** Writes everything an object has stored to a file. */
const write = async (file: string, name: string, object: DurableObjectStub<undefined>): Promise<void> => {
  const text = await runInDurableObject(object, async (instance, { storage }) => {
    const lines = [
      `-- ${instance.constructor.name} ${name}`,
      `-- written: ${Date.now()}`,
      `-- alarm: ${(await storage.getAlarm()) ?? "none"}`,
    ];
    const schema = storage.sql.exec(
      `SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf%' ESCAPE '\\'
       AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid`,
    );
    for (const { type, name: table, sql } of schema.toArray()) {
      lines.push(`${String(sql)};`);
      if (type !== "table") continue;
      const rows = storage.sql.exec(`SELECT * FROM ${String(table)}`);
      const insert = `INSERT INTO ${String(table)} (${rows.columnNames.join(", ")}) VALUES`;
      for (const row of rows.raw()) lines.push(`${insert} (${[...row].map(literal).join(", ")});`);
    }
    return `${lines.join("\n")}\n`;
  });
  const response = await files.fetch(`http://files/${file}.sql`, { method: "PUT", body: text });
  if (!response.ok) throw new Error(await response.text());
};

const upload = async (name: string, content: string): Promise<void> => {
  const form = new FormData();
  form.append("program", new Blob([content]), name);
  expect((await askAsAlice("PUT", "artifacts", {}, form)).status).toBe(200);
};

const post = async (changes: Record<string, unknown>, headers: Record<string, string> = {}): Promise<JobFixture> => {
  pass(1000);
  const all = { ...headers, "Content-Type": "application/json" };
  const response = await askAsAlice("POST", "jobs", all, JSON.stringify({ ...storedRequest, ...changes }));
  return new JobFixture((await jsonOf(JobSchema, response)).id);
};

test("write databases", async () => {
  // Alarms are set by this clock, in the far future, so none fires while the databases are written.
  vi.useFakeTimers({ toFake: ["Date"], now: 1_893_456_000_000 });
  const cluster = clusterOf(env, "default");
  const registry = registryOf(env);
  const agent = await Peer.dial(cluster, {
    request: AgentRequestSchema,
    answer: AgentAnswerSchema,
    notice: AgentNoticeSchema,
  });
  const about = { version: protocolVersion, release, clusterId: "cluster-uid", launcher: "kubernetes", capacity: 50 };
  expect(await agent.request({ kind: "hello", ...about })).toMatchObject({ kind: "welcome" });
  for (const name of ["mapper", "reducer", "combiner", "replaced"]) await upload(name, `#!/bin/sh\n# ${name}\n`);

  const written: [string, JobFixture][] = [];
  for (const name of storedJobs) {
    if (name === "pending") await write("cluster", "default", cluster);
    const { request = {}, headers, isRemoved, drive } = situations[name];
    const job = await post(request, headers);
    await drive?.({ job, agent });
    await told(job);
    if (isRemoved === true) await agent.request({ kind: "removed", jobId: job.id });
    if (name === "leaving") {
      await runInDurableObject(registry, (_, { storage }) => retireJobs(storage.sql, Date.now(), Date.now()));
    }
    written.push([name, job]);
    // As if the Worker had ended before it informed the cluster.
    if (name === "pending") {
      await runInDurableObject(job.stub, async (_, { storage }) => {
        storage.sql.exec("UPDATE outbox SET due = ? WHERE target = 'cluster'", Date.now());
        await storage.setAlarm(Date.now());
      });
    }
  }

  // A job pins the previous content of the artifact.
  await upload("replaced", "#!/bin/sh\n# another\n");
  await registry.beginContent("upload-under-way");
  await registry.beginContent("upload-given-up");
  await registry.abandonContent("upload-given-up");
  await registry.createJob({
    id: crypto.randomUUID(),
    createdAt: Date.now(),
    cluster: "default",
    names: { mapper: "mapper" },
    idempotency: { caller: "alice", key: "never", fingerprints: ["never"] },
  });
  pass(1000);
  await write("registry", "registry", registry);
  for (const [name, job] of written) await write(name, job.id, job.stub);
  await hangUp();
});

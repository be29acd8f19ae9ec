import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { AgentAnswerSchema, AgentNoticeSchema, AgentRequestSchema } from "../../shared/protocol/agent.ts";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { release } from "../../shared/release.ts";
import { JobSchema, type Job } from "../../shared/api/jobs.ts";
import { clusterOf, jobOf, registryOf } from "../../worker/env.ts";
import { runInJob, runInRegistry } from "./objects.ts";
import { Registry } from "../../worker/registry/object.ts";
import { eraseLeaving, retireJobs } from "../../worker/registry/retention.ts";
import { signRunnerToken } from "../../worker/secrets/tokens.ts";
import { call, jsonOf, openEnv, postJob, problemOf, upload } from "./api.ts";
import { eventually } from "./eventually.ts";
import { claimed, finish, JobFixture } from "./job-fixture.ts";
import { hangUp, Peer } from "./peer.ts";
import { rows, settle, storedKeys } from "./registry-helpers.ts";

afterEach(hangUp);
afterEach(() => {
  vi.restoreAllMocks();
});

const day = 24 * 60 * 60 * 1000;
const registry = registryOf(env);

beforeAll(async () => {
  await upload("mapper", "#!the mapper");
  await upload("reducer", "#!the reducer");
});

const request = {
  inputPath: "http://store/input/",
  outputPath: "http://store/out",
  mapperName: "mapper",
  reducerName: "reducer",
};

const endedIn = async (id: string): Promise<unknown> =>
  (await rows("SELECT ended FROM job WHERE id = ?", id))[0]?.["ended"];

/** Creates a job and stops it. @returns its id, once the job is released and the Registry knows that it has ended */
const endedJob = async (
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<string> => {
  const { id } = await jsonOf(JobSchema, await postJob({ ...request, ...fields }, headers));
  expect((await call("DELETE", `/api/v1/jobs/${id}`)).status).toBe(200);
  await eventually(async () => expect(await endedIn(id)).toBe(1));
  await eventually(async () => expect(await query(id, "SELECT * FROM outbox WHERE due IS NOT NULL")).toEqual([]));
  return id;
};

const query = async (id: string, text: string): Promise<Record<string, SqlStorageValue>[]> =>
  await runInDurableObject(jobOf(env, id), (_, { storage }) => storage.sql.exec(text).toArray());

/** Moves a job's end this many days into the past, and runs the Registry's alarm. */
const age = async (id: string, days: number): Promise<void> => {
  await rows(
    "UPDATE job SET snapshot = json_set(snapshot, '$.endTime', ?) WHERE id = ?",
    Date.now() - Math.round(days * day),
    id,
  );
  await look();
};

const look = async (): Promise<void> => {
  await runInRegistry(async (instance) => await instance.alarm());
};

/** Everything an object has stored, including its alarm. */
const stored = async (id: string): Promise<unknown> =>
  await runInDurableObject(jobOf(env, id), async (_, { storage }) => ({
    tables: storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    alarm: await storage.getAlarm(),
  }));
const nothing = { tables: [], alarm: null };

/** The tables in which the Registry still has the id. */
const traces = async (id: string): Promise<unknown[]> =>
  await rows(
    `SELECT 'job' AS place FROM job WHERE id = ?1 UNION ALL SELECT 'pin' FROM pin WHERE job_id = ?1
     UNION ALL SELECT 'idempotency' FROM idempotency WHERE job_id = ?1 UNION ALL SELECT 'leaving' FROM leaving WHERE id = ?1`,
    id,
  );

const listedIds = async (): Promise<string[]> =>
  (await jsonOf(z.array(JobSchema), await call("GET", "/api/v1/jobs"))).map(({ id }) => id);

describe("a job whose retention period is over", () => {
  it("is removed with everything that was kept for it", async () => {
    const id = await endedJob({}, { "Idempotency-Key": "gone" });
    const other = await endedJob();
    expect(await listedIds()).toEqual(expect.arrayContaining([id, other]));
    expect(await traces(id)).toEqual([{ place: "job" }, { place: "idempotency" }]);
    await age(id, 30);
    expect(await traces(id)).toEqual([]);
    expect(await stored(id)).toEqual(nothing);
    expect(await listedIds()).not.toContain(id);
    expect(await listedIds()).toContain(other);

    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/tasks"],
    ]) {
      expect((await problemOf(await call(method ?? "", `/api/v1/jobs/${id}${path}`))).type).toBe(
        "urn:edgefold:problem:unknown-job",
      );
    }
    const again = await jsonOf(JobSchema, await postJob(request, { "Idempotency-Key": "gone" }));
    expect(again.id).not.toBe(id);
  });

  it("returns 404 to old runner tokens", async () => {
    const id = await endedJob();
    await age(id, 31);
    const headers = {
      Authorization: `Bearer ${await signRunnerToken(openEnv, { jobId: id, expires: Date.now() + 60_000 })}`,
    };
    const link = await call("GET", `/api/v1/jobs/${id}/link`, { headers: { ...headers, Upgrade: "websocket" } });
    expect([link.status, (await problemOf(link)).type]).toEqual([404, "urn:edgefold:problem:unknown-job"]);
    expect((await call("GET", `/api/v1/jobs/${id}/programs/mapper`, { headers })).status).toBe(404);
    expect(await stored(id)).toEqual(nothing);
  });

  it("is kept until then, and the alarm is set for then", async () => {
    const id = await endedJob();
    await age(id, 29.9);
    expect(await traces(id)).toEqual([{ place: "job" }]);
    expect((await call("GET", `/api/v1/jobs/${id}`)).status).toBe(200);
    // The alarm must not wait for anything else.
    await rows("DELETE FROM idempotency");
    await rows("DELETE FROM job WHERE id != ?", id);
    await look();
    const due = await runInDurableObject(registry, async (_, { storage }) => await storage.getAlarm());
    expect(Math.abs((due ?? 0) - (Date.now() + 0.1 * day))).toBeLessThan(60_000);
  });

  it("is removed with content that only it pinned", async () => {
    const before = await storedKeys();
    await upload("once", "#!the only one");
    const [key = ""] = (await storedKeys()).filter((each) => !before.includes(each));
    const id = await endedJob({ mapperName: "once" });
    // A pin that the Registry has not released, as an older Worker can leave behind.
    await rows(
      "INSERT INTO pin (job_id, role, name, type, size, hash, key) VALUES (?, 'mapper', 'once', 'module', 1, '', ?)",
      id,
      key,
    );
    await call("DELETE", "/api/v1/artifacts/once");
    await settle();
    expect(await storedKeys()).toContain(key);
    await age(id, 30);
    await settle();
    expect(await storedKeys()).not.toContain(key);
  });

  it("is not removed during its clean-up", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner);
    await job.stub.stop();
    await eventually(async () => expect((await rows("SELECT snapshot FROM job WHERE id = ?", job.id)).length).toBe(1));
    await eventually(async () => expect(await job.query("SELECT * FROM outbox WHERE due IS NOT NULL")).toEqual([]));
    await age(job.id, 40);
    expect(await traces(job.id)).toEqual([{ place: "job" }]);
    expect(await job.stub.erase()).toBe(false);
    expect((await job.describe()).status).toBe("stopped");

    finish(runner, await claimed(runner));
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    await eventually(async () => expect(await endedIn(job.id)).toBe(1));
    await eventually(async () => expect(await job.query("SELECT * FROM outbox WHERE due IS NOT NULL")).toEqual([]));
    await age(job.id, 40);
    expect(await traces(job.id)).toEqual([]);
    expect(await stored(job.id)).toEqual(nothing);
  });

  it("is not erased while it still has messages to deliver", async () => {
    const id = await endedJob();
    await query(id, "UPDATE outbox SET due = 9999999999999 WHERE target = 'cluster'");
    await evictDurableObject(jobOf(env, id));
    await age(id, 30);
    expect(await traces(id)).toEqual([{ place: "leaving" }]);
    await query(id, "UPDATE outbox SET due = NULL");
    await evictDurableObject(jobOf(env, id));
    await rows("UPDATE leaving SET due = 1");
    await look();
    expect(await traces(id)).toEqual([]);
    expect(await stored(id)).toEqual(nothing);
  });
});

describe("a removed job", () => {
  it("is not recreated by late calls to its object", async () => {
    const id = await endedJob();
    await age(id, 30);
    const stub = jobOf(env, id);
    await runInJob(id, async (instance) => {
      expect(await instance.describe()).toBeNull();
      expect(await instance.tasks({})).toBeNull();
      expect(await instance.outputs({})).toBeNull();
      expect(await instance.stop()).toBe("unknown");
    });
    expect(await stub.program("mapper")).toBeNull();
    await stub.report([
      { seq: 1, kind: "exited", runnerId: "runner", reason: "gone", failure: null },
      { seq: 2, kind: "conditions", conditions: [{ type: "Unschedulable", message: "" }] },
      { seq: 3, kind: "failed", failure: { code: "NotAllowed", message: "" } },
    ]);
    expect(await stub.erase()).toBe(true);
    await runInJob(id, async (instance, { storage }) => {
      await storage.setAlarm(Date.now() + day);
      await instance.alarm();
      await storage.deleteAlarm();
    });
    expect((await stub.fetch("http://object/link", { headers: { Upgrade: "websocket" } })).status).toBe(404);
    expect(await stored(id)).toEqual(nothing);
  });

  it("can still be mentioned by the agent", async () => {
    const id = await endedJob();
    await age(id, 30);
    const agent = await Peer.dial(clusterOf(env, "default"), {
      request: AgentRequestSchema,
      answer: AgentAnswerSchema,
      notice: AgentNoticeSchema,
    });
    const about = { version: protocolVersion, release, clusterId: "uid", launcher: "process", capacity: 1 };
    const welcome = await agent.request({ kind: "hello", ...about });
    expect(welcome.kind === "welcome" ? welcome.remove : []).toContain(id);
    const answers = [
      await agent.request({ kind: "exited", jobId: id, runnerId: "r", reason: "", failure: null }),
      await agent.request({ kind: "conditions", jobId: id, conditions: [] }),
      await agent.request({ kind: "failed", jobId: id, code: "NotAllowed", message: "" }),
      await agent.request({ kind: "removed", jobId: id }),
    ];
    expect(answers.map(({ kind }) => kind)).toEqual(["done", "done", "done", "done"]);
    expect(await stored(id)).toEqual(nothing);
  });

  it("is removed again if a late message of its object recreates it", async () => {
    const id = await endedJob();
    const [row] = await rows("SELECT snapshot FROM job WHERE id = ?", id);
    const snapshot: Job = JobSchema.parse(JSON.parse(z.string().parse(row?.["snapshot"])));
    await age(id, 30);
    await registry.publish({ ...snapshot, endTime: 1 }, 1000, true);
    await eventually(async () => expect(await traces(id)).toEqual([]));
    // While it is being removed, its messages are ignored.
    await rows("INSERT INTO leaving (id, due) VALUES (?, 9999999999999)", id);
    await registry.publish(snapshot, 1001, true);
    expect(await traces(id)).toEqual([{ place: "leaving" }]);
    await rows("DELETE FROM leaving");
  });

  it("is erased again if the Registry ended before it got the answer", async () => {
    const id = await endedJob();
    await rows("INSERT INTO leaving (id, due) VALUES (?, 1)", id);
    await rows("DELETE FROM job WHERE id = ?", id);
    // The object is erased, but the answer is lost.
    expect(await jobOf(env, id).erase()).toBe(true);
    await runDurableObjectAlarm(registry);
    await look();
    expect(await traces(id)).toEqual([]);
    expect(await stored(id)).toEqual(nothing);
  });
});

/** A fake erasure, which succeeds only for the job "works". */
const erase = async (id: string): Promise<boolean> =>
  await (id === "fails" ? Promise.reject(new Error("no")) : Promise.resolve(id === "works"));

describe("the removal of jobs", () => {
  it("is retried with back-off, and no job blocks the others", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await runInDurableObject(registry, async (_, { storage: { sql } }) => {
      for (const id of ["fails", "waits", "works"]) sql.exec("INSERT INTO leaving (id, due) VALUES (?, 1)", id);
      const left = () => sql.exec("SELECT id, tries, due FROM leaving ORDER BY id").toArray();
      await eraseLeaving(sql, erase, 10);
      expect(left()).toEqual([
        { id: "fails", tries: 1, due: 1010 },
        { id: "waits", tries: 1, due: 1010 },
      ]);
      await eraseLeaving(sql, erase, 1009);
      expect(left().map(({ tries }) => tries)).toEqual([1, 1]);
      await eraseLeaving(sql, erase, 1010);
      expect(left().map(({ due }) => due)).toEqual([3010, 3010]);
      sql.exec("DELETE FROM leaving");
    });
  });

  it("begins with the oldest, a batch at a time", async () => {
    await runInDurableObject(registry, (_, { storage: { sql } }) => {
      sql.exec("DELETE FROM job");
      for (let n = 0; n < 70; n++) {
        const snapshot = JSON.stringify({ endTime: 1000 - n });
        sql.exec("INSERT INTO job (id, created_at, ended, snapshot) VALUES (?, ?, 1, ?)", `job-${n}`, n, snapshot);
      }
      retireJobs(sql, 1000, 5);
      expect(sql.exec("SELECT id FROM job ORDER BY created_at").toArray()).toEqual(
        Array.from({ length: 20 }, (__, n) => ({ id: `job-${n}` })),
      );
      sql.exec("DELETE FROM job; DELETE FROM leaving");
    });
  });
});

/** A new instance of the Registry, which keeps ended jobs for 100 years. */
const startPatient = (state: DurableObjectState): Registry =>
  new Registry(state, { ...env, JOB_RETENTION_DAYS: String(365 * 100) });

describe("the Registry's alarm", () => {
  it("is set at most a day ahead, however long jobs are kept", async () => {
    await endedJob();
    await rows("DELETE FROM idempotency");
    await runInRegistry(async (_, state) => {
      const patient = startPatient(state);
      for (const event of ["its start", "a change", "its alarm"]) {
        await state.storage.setAlarm(Date.now() + 1000 * day);
        if (event === "a change") await patient.beginContent(`content of ${event}`);
        else if (event === "its alarm") await patient.alarm();
        else startPatient(state);
        const ahead = ((await state.storage.getAlarm()) ?? 0) - Date.now();
        expect([event, ahead > 0 && ahead <= day]).toEqual([event, true]);
        await patient.abandonContent(`content of ${event}`);
        await patient.alarm();
      }
    });
  });

  it("is not set again by an event that does not affect it", async () => {
    await endedJob();
    await runInRegistry(async (instance, { storage }) => {
      await instance.alarm();
      const setAlarm = vi.spyOn(Object.getPrototypeOf(storage), "setAlarm");
      const [row] = storage.sql.exec("SELECT snapshot FROM job WHERE snapshot IS NOT NULL LIMIT 1").toArray();
      await instance.publish(JobSchema.parse(JSON.parse(z.string().parse(row?.["snapshot"]))), 1000, true);
      await instance.deleteArtifact("no such artifact");
      expect(setAlarm.mock.contexts.filter((context) => context === storage)).toEqual([]);
    });
  });

  it("is set again by the next event if the platform has lost it", async () => {
    await endedJob();
    await runInRegistry(async (instance, { storage }) => {
      await instance.alarm();
      await storage.deleteAlarm();
      const later = Date.now() + 2 * day;
      vi.spyOn(Date, "now").mockImplementation(() => later);
      await instance.deleteArtifact("no such artifact");
      vi.restoreAllMocks();
      expect(await storage.getAlarm()).toBeGreaterThan(0);
      await instance.alarm();
    });
  });
});

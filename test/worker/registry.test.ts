import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { noCounters } from "../../shared/counters.ts";
import type { Job } from "../../shared/api/jobs.ts";
import { jobOf as jobObject, registryOf } from "../../worker/env.ts";
import { runInRegistry } from "./objects.ts";
import type { PinnedProgram } from "../../worker/job/spec.ts";
import { collectGarbage } from "../../worker/registry/garbage.ts";
import { findKey, keepKey } from "../../worker/registry/idempotency.ts";
import type { Reservation } from "../../worker/contracts.ts";
import { settleReservations } from "../../worker/registry/reservations.ts";
import { registrySchema } from "../../worker/registry/schema.ts";
import { migrate } from "../../worker/platform/migrations.ts";
import { eventually } from "./eventually.ts";
import { specOf } from "./job-fixture.ts";
import { hasJob, rows, settle, storedKeys } from "./registry-helpers.ts";

const registry = registryOf(env);

/** Stores an artifact with content in R2. @returns it, with its key */
const put = async (name: string): Promise<PinnedProgram> => {
  const key = crypto.randomUUID();
  await registry.beginContent(key);
  await env.ARTIFACTS.put(key, name);
  const program: PinnedProgram = { name, type: "executable", size: name.length, hash: `hash of ${key}`, key };
  expect(await registry.putArtifact(program, "me")).toMatchObject({ ...program, uploadedBy: "me" });
  return program;
};

const jobOf = (id: string, status: Job["status"] = "pending"): Job => ({
  id,
  name: null,
  tags: {},
  rerunOf: null,
  programs: null,
  submittedBy: "api",
  cluster: "default",
  nReducers: 2,
  outputLocation: { location: "http://h/b", useSSL: false },
  inputData: { id: "i", path: "http://h/b/k", type: "file/txt", splitStart: 0, splitEnd: 0 },
  startTime: 1,
  status,
  endTime: null,
  error: null,
  progress: {
    maps: { total: 0, running: 0, completed: 0, failed: 0 },
    reduces: { total: 2, running: 0, completed: 0, failed: 0 },
  },
  counters: noCounters,
  outputs: [],
  failedMaps: [],
  conditions: [],
});

let version = 0;
/** Publishes a job with a version newer than all before. */
const publish = async (job: Job, ended: boolean): Promise<void> => await registry.publish(job, ++version, ended);

let count = 0;
const newId = (): string => `01890000-0000-7000-8000-${String(++count).padStart(12, "0")}`;
const reserve = async (
  names: { mapper: string; reducer?: string },
  key?: string,
  fingerprint = "f",
  caller = "anna",
): Promise<Reservation> =>
  await registry.createJob({
    id: newId(),
    createdAt: 5,
    cluster: "default",
    names,
    idempotency: key === undefined ? undefined : { caller, key, fingerprints: [fingerprint] },
  });

const reserved = (reservation: Reservation): Extract<Reservation, { kind: "reserved" }> => {
  if (reservation.kind !== "reserved") throw new Error(`is ${reservation.kind}`);
  return reservation;
};

/** Makes rows due with an update, and runs the Registry's alarm. */
const later = async (update: string): Promise<void> => {
  await runInDurableObject(registry, (_, state) => {
    state.storage.sql.exec(update);
  });
  await runInRegistry(async (instance) => await instance.alarm());
  await settle();
};

describe("pins", () => {
  it("keep replaced and deleted content until the job ends", async () => {
    const first = await put("pinned");
    const { id, programs } = reserved(await reserve({ mapper: "pinned", reducer: "pinned" }));
    expect(programs).toEqual({ mapper: first, reducer: first });
    await registry.confirmJob(jobOf(id));
    const second = await put("pinned");
    await registry.deleteArtifact("pinned");
    await settle();
    expect(await storedKeys()).toContain(first.key);
    expect(await storedKeys()).not.toContain(second.key);

    await publish(jobOf(id, "mapping"), false);
    await settle();
    expect(await storedKeys()).toContain(first.key);
    await publish(jobOf(id, "completed"), true);
    await settle();
    expect(await storedKeys()).not.toContain(first.key);
  });

  it("keep shared content until the last job ends; named artifacts stay", async () => {
    const program = await put("shared");
    const ids = [reserved(await reserve({ mapper: "shared" })).id, reserved(await reserve({ mapper: "shared" })).id];
    await registry.deleteArtifact("shared");
    await publish(jobOf(ids[0] ?? "", "failed"), true);
    await settle();
    expect(await storedKeys()).toContain(program.key);
    await publish(jobOf(ids[1] ?? "", "failed"), true);
    await settle();
    expect(await storedKeys()).not.toContain(program.key);

    const named = await put("named");
    await publish(jobOf(reserved(await reserve({ mapper: "named" })).id, "failed"), true);
    await settle();
    expect(await storedKeys()).toContain(named.key);
  });

  it("are created for all programs or for none", async () => {
    await put("known");
    expect(await reserve({ mapper: "unknown", reducer: "known" })).toEqual({
      kind: "unknown",
      uses: [{ role: "mapper", name: "unknown" }],
    });
    expect(await reserve({ mapper: "unknown", reducer: "too" })).toEqual({
      kind: "unknown",
      uses: [
        { role: "mapper", name: "unknown" },
        { role: "reducer", name: "too" },
      ],
    });
    expect(await rows("SELECT * FROM pin WHERE name IN ('unknown', 'known', 'too')")).toEqual([]);
  });
});

describe("a reserved job", () => {
  it("is unknown until its object exists, and dropped if it never does", async () => {
    const program = await put("lost");
    const { id } = reserved(await reserve({ mapper: "lost" }, "key-of-lost"));
    expect(await hasJob(id)).toBe(false);
    await registry.deleteArtifact("lost");
    await later("UPDATE job SET reserved_until = 1 WHERE reserved_until IS NOT NULL");
    expect(await rows("SELECT id FROM job WHERE id = ?", id)).toEqual([]);
    expect(await storedKeys()).not.toContain(program.key);
    await put("lost");
    expect((await reserve({ mapper: "lost" }, "key-of-lost")).kind).toBe("reserved");
  });

  it("is kept once it is confirmed or has published", async () => {
    await put("kept");
    const [a, b] = [reserved(await reserve({ mapper: "kept" })).id, reserved(await reserve({ mapper: "kept" })).id];
    await registry.confirmJob(jobOf(a));
    await publish(jobOf(b, "planning"), false);
    await later("UPDATE job SET reserved_until = 1 WHERE reserved_until IS NOT NULL");
    expect([await hasJob(a), await hasJob(b)]).toEqual([true, true]);
    expect(await rows("SELECT job_id FROM pin WHERE job_id IN (?, ?) ORDER BY job_id", a, b)).toEqual([
      { job_id: a },
      { job_id: b },
    ]);
  });

  it("is kept with its programs if its object exists, even without confirmation", async () => {
    const program = await put("created");
    const { id } = reserved(await reserve({ mapper: "created" }));
    await jobObject(env, id).create({ ...specOf(), id, programs: { mapper: program } }, Date.now() + 60_000);
    await eventually(async () =>
      expect(await rows("SELECT id FROM job WHERE version > 0 AND id = ?", id)).not.toEqual([]),
    );
    // As if the confirmation was lost, and the object's own message is late.
    await rows("UPDATE job SET snapshot = NULL, version = 0, reserved_until = 1 WHERE id = ?", id);
    await registry.deleteArtifact("created");
    await later("UPDATE job SET reserved_until = 1 WHERE reserved_until IS NOT NULL");
    expect(await hasJob(id)).toBe(true);
    expect(await storedKeys()).toContain(program.key);
    await jobObject(env, id).stop();
    await settle();
    await eventually(async () => expect(await storedKeys()).not.toContain(program.key));
  });

  it("is checked again if its object does not answer, and kept if its request was repeated", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await put("asked");
    const [silent, repeated] = [
      reserved(await reserve({ mapper: "asked" })).id,
      reserved(await reserve({ mapper: "asked" }, "key-of-repeated")).id,
    ];
    await runInRegistry(async (instance, { storage }) => {
      storage.sql.exec("UPDATE job SET reserved_until = 1 WHERE id IN (?, ?)", silent, repeated);
      const ask = async (id: string): Promise<boolean> => {
        if (id === silent) throw new Error("no answer");
        const idempotency = { caller: "anna", key: "key-of-repeated", fingerprints: ["f"] };
        await instance.createJob({
          id: newId(),
          createdAt: 5,
          cluster: "default",
          names: { mapper: "asked" },
          idempotency,
        });
        return false;
      };
      await settleReservations(storage, ask, 1000);
    });
    const until = await rows("SELECT id, reserved_until FROM job WHERE id IN (?, ?) ORDER BY id", silent, repeated);
    expect(until[0]).toEqual({ id: silent, reserved_until: 121_000 });
    expect(until[1]?.["reserved_until"]).toBeGreaterThan(Date.now());
    await later("UPDATE job SET reserved_until = 1 WHERE reserved_until IS NOT NULL");
    expect(await rows("SELECT id FROM job WHERE id IN (?, ?)", silent, repeated)).toEqual([]);
    vi.restoreAllMocks();
  });

  it("that was dropped is listed again if it publishes later", async () => {
    await put("late");
    const { id } = reserved(await reserve({ mapper: "late" }));
    await later("UPDATE job SET reserved_until = 1 WHERE reserved_until IS NOT NULL");
    await publish(jobOf(id, "planning"), false);
    expect(await hasJob(id)).toBe(true);
    await publish(jobOf(id, "failed"), true);
    await settle();
  });
});

const listed = async (id: string): Promise<unknown> => {
  const { items } = await registry.listJobs({}, null, 1000);
  return items.map((item): unknown => JSON.parse(item)).find((job) => JSON.stringify(job).includes(id));
};

describe("publishing", () => {
  it("never overwrites newer data, whether it is late, repeated, or from an object of release 0.1.0", async () => {
    const id = newId();
    await registry.publish(jobOf(id, "reducing"), 5, false);
    await registry.publish(jobOf(id, "mapping"), 4, false);
    expect(await listed(id)).toMatchObject({ status: "reducing" });
    await registry.publish(jobOf(id, "completed"), 7, true);
    await registry.publish(jobOf(id, "committing"), 6, false);
    await registry.publish(jobOf(id, "completed"), 7, true);
    expect(await listed(id)).toMatchObject({ status: "completed" });
    expect(await rows("SELECT version, ended FROM job WHERE id = ?", id)).toEqual([{ version: 7, ended: 1 }]);
    await runInRegistry(async (instance) => {
      const method: unknown = Reflect.get(instance, "publish");
      if (typeof method !== "function") throw new Error("there is no such method");
      const asIn010: unknown[] = [jobOf(id, "failed"), true];
      await expect(Reflect.apply(method, instance, asIn010)).rejects.toThrow("publish needs a version");
    });
    expect(await listed(id)).toMatchObject({ status: "completed" });
  });

  it("overwrites anything from release 0.1.0, which has no version", async () => {
    const id = newId();
    await rows("INSERT INTO job (id, created_at, snapshot) VALUES (?, 1, ?)", id, JSON.stringify(jobOf(id, "mapping")));
    await registry.publish(jobOf(id, "reducing"), 1, false);
    expect(await listed(id)).toMatchObject({ status: "reducing" });
  });

  it("keeps the newest job, without outputs, even when it ends", async () => {
    const id = newId();
    await publish({ ...jobOf(id, "mapping"), outputs: ["x"] }, false);
    await registry.confirmJob(jobOf(id, "pending"));
    expect(await listed(id)).toEqual(jobOf(id, "mapping"));
    await publish(jobOf(id, "completed"), true);
    expect(await listed(id)).toEqual(jobOf(id, "completed"));
    await publish({ ...jobOf(id, "completed"), endTime: 9 }, true);
    expect(await listed(id)).toMatchObject({ endTime: 9 });
  });

  it("omits the programs' own counters if they are too long to store", async () => {
    const id = newId();
    const user = { group: { ["x".repeat(600_000)]: 1 } };
    await publish({ ...jobOf(id), counters: { builtin: { outputRecords: 3 }, user } }, false);
    expect(await listed(id)).toMatchObject({ counters: { builtin: { outputRecords: 3 }, user: {} } });
  });

  it("lists newest first, with fewer jobs on a page if they are large", async () => {
    const ids = Array.from({ length: 12 }, newId);
    const user = { group: { ["x".repeat(450_000)]: 1 } };
    for (const id of ids) await publish({ ...jobOf(id), counters: { builtin: {}, user } }, false);
    const first = await registry.listJobs({}, null, 1000);
    expect(first.items.length).toBe(9);
    const second = await registry.listJobs({}, first.next, 2);
    expect(second.items.length).toBe(2);
    const third = await registry.listJobs({}, second.next, 1);
    const seen = [first, second, third].flatMap(({ items }) => items.map((item) => /"id":"([^"]+)"/.exec(item)?.[1]));
    expect(seen).toEqual(ids.toReversed());
  });
});

describe("an Idempotency-Key", () => {
  it("stands for one job", async () => {
    await put("once");
    const first = reserved(await reserve({ mapper: "once" }, "k"));
    const again = reserved(await reserve({ mapper: "once" }, "k"));
    expect(again).toMatchObject({ id: first.id, createdAt: first.createdAt, programs: first.programs });
    expect(await reserve({ mapper: "once" }, "k", "other")).toEqual({ kind: "conflict" });
    await registry.confirmJob(jobOf(first.id));
    expect(await reserve({ mapper: "once" }, "k")).toEqual({ kind: "exists", id: first.id });
    await publish(jobOf(first.id, "stopped"), true);
    expect(await reserve({ mapper: "once" }, "k")).toEqual({ kind: "exists", id: first.id });
    expect(reserved(await reserve({ mapper: "once" }, "l")).id).not.toBe(first.id);
  });

  it("belongs to its caller", async () => {
    await put("twice");
    const first = reserved(await reserve({ mapper: "twice" }, "same", "f", "anna"));
    const other = reserved(await reserve({ mapper: "twice" }, "same", "g", "bert"));
    expect(other.id).not.toBe(first.id);
    expect(await reserve({ mapper: "twice" }, "same", "g", "anna")).toEqual({ kind: "conflict" });
    expect(reserved(await reserve({ mapper: "twice" }, "same", "g", "bert")).id).toBe(other.id);
  });

  it("of release 0.1.0 belongs to the submitter of its job, or to anybody until the submitter is known", async () => {
    await runInDurableObject(env.JOBS.getByName("the tables of release 0.1.0"), (_, { storage }) => {
      const { sql } = storage;
      migrate(storage, { ...registrySchema, migrations: registrySchema.migrations.slice(0, 1) });
      sql.exec("INSERT INTO job (id, created_at, snapshot) VALUES ('known', 1, ?)", '{"submittedBy":"anna"}');
      sql.exec("INSERT INTO job (id, created_at, reserved_until) VALUES ('reserved', 1, 2)");
      const insert = "INSERT INTO idempotency (key, fingerprint, job_id, expires) VALUES (?, 'f', ?, 100)";
      for (const job of ["known", "reserved"]) sql.exec(insert, `key of ${job}`, job);
      migrate(storage, registrySchema);
      const jobOfKey = (caller: string, key: string, now = 1) => findKey(sql, { caller, key }, now)?.job_id;
      expect(jobOfKey("anna", "key of known")).toBe("known");
      expect(jobOfKey("bert", "key of known")).toBeUndefined();
      expect(jobOfKey("bert", "key of reserved")).toBe("reserved");
      expect(jobOfKey("bert", "key of reserved", 100)).toBeUndefined();
      keepKey(sql, { caller: "bert", key: "key of reserved" }, "g", "newer", 1);
      expect(jobOfKey("bert", "key of reserved")).toBe("newer");
    });
  });

  it("is forgotten after 24 hours", async () => {
    const [row] = await rows("SELECT expires FROM idempotency WHERE key = 'k'");
    const due = Number(row?.["expires"]) - Date.now();
    expect(due).toBeGreaterThan(23 * 3_600_000);
    expect(due).toBeLessThanOrEqual(24 * 3_600_000);
    await later("UPDATE idempotency SET expires = 1");
    expect(reserved(await reserve({ mapper: "once" }, "k", "other")).kind).toBe("reserved");
  });
});

const fails = async () => await Promise.reject(new Error("R2 is away"));
const works = async () => await Promise.resolve();

describe("garbage", () => {
  it("includes abandoned uploads", async () => {
    const [single, parts] = [crypto.randomUUID(), crypto.randomUUID()];
    await registry.beginContent(single);
    await env.ARTIFACTS.put(single, "x");
    await registry.beginContent(parts);
    const upload = await env.ARTIFACTS.createMultipartUpload(parts);
    expect(await registry.renewContent(parts, upload.uploadId)).toBe(true);
    await upload.uploadPart(1, new Uint8Array(5 * 1024 * 1024));

    await runDurableObjectAlarm(registry);
    expect(await storedKeys()).toContain(single);
    await later("UPDATE upload SET touched = 1");
    expect(await storedKeys()).not.toContain(single);
    await expect(upload.uploadPart(2, new Uint8Array(1))).rejects.toThrow(/10024/);
    expect(await registry.renewContent(parts, upload.uploadId)).toBe(false);
    expect(await registry.putArtifact({ name: "n", type: "module", size: 1, hash: "", key: single }, "me")).toBeNull();
    expect(await registry.getArtifact("n")).toBeNull();
  });

  it("can be a multipart upload that was completed", async () => {
    const key = crypto.randomUUID();
    await registry.beginContent(key);
    const upload = await env.ARTIFACTS.createMultipartUpload(key);
    await registry.renewContent(key, upload.uploadId);
    await upload.complete([await upload.uploadPart(1, new Uint8Array(3))]);
    await registry.abandonContent(key);
    await settle();
    expect(await storedKeys()).not.toContain(key);
  });

  it("is retried when R2 fails, without blocking other garbage", async () => {
    await runInDurableObject(registry, async (_, { storage: { sql } }) => {
      sql.exec("INSERT INTO garbage (key, upload_id, due) VALUES ('open', 'u', 1)");
      sql.exec("INSERT INTO garbage (key, due, tries) VALUES ('single', 1, 3)");
      const left = () => sql.exec("SELECT key, tries, due FROM garbage ORDER BY key").toArray();
      const deleted: (string | string[])[] = [];
      const bucket = (abort: () => Promise<void>, remove: () => Promise<void>) => ({
        resumeMultipartUpload: (key: string, uploadId: string) => ({
          key,
          uploadId,
          abort,
          uploadPart: async () => await Promise.reject(new Error("is not called")),
          complete: async () => await Promise.reject(new Error("is not called")),
        }),
        delete: async (keys: string | string[]) => {
          await remove();
          deleted.push(keys);
        },
      });

      await collectGarbage(sql, bucket(works, fails), 10);
      expect(left()).toEqual([
        { key: "open", tries: 1, due: 1010 },
        { key: "single", tries: 4, due: 8010 },
      ]);
      await collectGarbage(sql, bucket(works, works), 1009);
      expect(deleted).toEqual([]);
      await collectGarbage(sql, bucket(fails, works), 8010);
      expect(deleted).toEqual([["single"]]);
      expect(left()).toEqual([{ key: "open", tries: 2, due: 10_010 }]);
      await collectGarbage(sql, bucket(works, works), 10_010);
      expect(left()).toEqual([]);
    });
  });
});

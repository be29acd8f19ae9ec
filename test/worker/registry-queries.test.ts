import { beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { JobSchema } from "../../shared/api/jobs.ts";
import { runInRegistry } from "./objects.ts";
import { call, jsonOf, postJob, upload } from "./api.ts";

/* There is a single Registry: with 50,000 jobs in it, no operation may scan all of them. */

beforeAll(async () => void (await upload("mapper", "#!the mapper")));

const StepSchema = z.object({ detail: z.string() });

it("every query uses an index", async () => {
  const request = { inputPath: "http://store/a/b", outputPath: "http://store/a", mapperName: "mapper", nReducers: 0 };
  const { id } = await jsonOf(JobSchema, await postJob(request, { "Idempotency-Key": "key" }));
  const job = await jsonOf(JobSchema, await call("GET", `/api/v1/jobs/${id}`));
  await runInRegistry(async (registry, { storage: { sql } }) => {
    const exec = vi.spyOn(Object.getPrototypeOf(sql), "exec");
    await registry.listJobs({}, "x", 5);
    await registry.listArtifacts(undefined, "5", 5);
    await registry.getArtifact("mapper");
    const names = { mapper: "mapper" };
    await registry.createJob({
      id: "new",
      createdAt: 1,
      cluster: "default",
      names,
      idempotency: { caller: "local", key: "key", fingerprints: ["other"] },
    });
    await registry.createJob({
      id: "newer",
      createdAt: 1,
      cluster: "default",
      names,
      idempotency: { caller: "local", key: "another", fingerprints: ["f"] },
    });
    await registry.confirmJob(job);
    await registry.publish({ ...job, status: "stopped", endTime: 1 }, 1000, true);
    await registry.deleteArtifact("mapper");
    await registry.putToken({ name: "anna", role: "viewer", expires: null, created: 1 }, "hash");
    await registry.findToken("hash");
    await registry.getToken("anna");
    await registry.listTokens("a", 5);
    await registry.deleteToken("anna");
    await registry.beginContent("content");
    await registry.renewContent("another", "upload");
    await registry.abandonContent("content");
    // Also removes the job, which ended long ago.
    await registry.alarm();
    // The spy has also recorded the queries of other objects.
    const own = exec.mock.calls.filter((_, index) => exec.mock.contexts[index] === sql);
    const asked = z.array(z.tuple([z.string()], z.union([z.string(), z.number(), z.null()]))).parse(own);
    exec.mockRestore();
    const scans = asked.flatMap(([query, ...bindings]) =>
      sql
        .exec(`EXPLAIN QUERY PLAN ${query}`, ...bindings)
        .toArray()
        .map((row) => StepSchema.parse(row).detail)
        .filter((detail) => /^SCAN (?!CONSTANT ROW)/.test(detail))
        .map((detail) => `${detail}: ${query}`),
    );
    expect(scans).toEqual([]);
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.some(([query]) => query.includes("INSERT OR IGNORE INTO leaving"))).toBe(true);
  });
});

import { env } from "cloudflare:test";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ArtifactSchema } from "../../shared/api/artifacts.ts";
import { EventSchema, type JournalEvent } from "../../shared/api/events.ts";
import { JobSchema, type Job } from "../../shared/api/jobs.ts";
import { TaskSchema, type Task } from "../../shared/api/tasks.ts";
import { AgentAnswerSchema, AgentNoticeSchema, AgentRequestSchema } from "../../shared/protocol/agent.ts";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { release } from "../../shared/release.ts";
import { clusterOf, jobOf, registryOf } from "../../worker/env.ts";
import { jsonOf, problemOf } from "./api.ts";
import { eventually } from "./eventually.ts";
import { claim, claimed, complete, finish, JobFixture, password, specOf, taskOf, work } from "./job-fixture.ts";
import { hangUp, Peer } from "./peer.ts";
import {
  askAsAlice,
  earlierReleases,
  schemaOf,
  storeDatabases,
  storedRequest,
  type StoredJob,
} from "./stored-databases.ts";

const shown = async (id: string): Promise<Job> => await jsonOf(JobSchema, await askAsAlice("GET", `jobs/${id}`));

const tasksOf = async (id: string): Promise<Task[]> =>
  await jsonOf(z.array(TaskSchema), await askAsAlice("GET", `jobs/${id}/tasks`));

const firstEvent = async (id: string): Promise<JournalEvent | undefined> => {
  const answer = await askAsAlice("GET", `jobs/${id}/events`, { Accept: "application/json" });
  return (await jsonOf(z.array(EventSchema), answer))[0];
};

const listed = async (): Promise<Job[]> => await jsonOf(z.array(JobSchema), await askAsAlice("GET", "jobs"));

/** Connects an agent of the stored cluster. @returns it and the welcome */
const connectAgent = async () => {
  const agent = await Peer.dial(clusterOf(env, "default"), {
    request: AgentRequestSchema,
    answer: AgentAnswerSchema,
    notice: AgentNoticeSchema,
  });
  const about = { version: protocolVersion, release, clusterId: "cluster-uid", launcher: "kubernetes", capacity: 50 };
  const welcome = await agent.request({ kind: "hello", ...about });
  if (welcome.kind !== "welcome") throw new Error(`no welcome: ${JSON.stringify(welcome)}`);
  return { agent, welcome };
};

const isErased = async (id: string): Promise<boolean> => Object.keys(await schemaOf(jobOf(env, id))).length === 0;

describe.each(earlierReleases)("a Worker that finds the databases of release %s", (earlier) => {
  let ids: Record<StoredJob, string>;
  beforeAll(async () => {
    ids = await storeDatabases(earlier);
  });
  afterAll(hangUp);

  it("shows the jobs as they were", async () => {
    expect(await shown(ids.completed)).toMatchObject({
      status: "completed",
      submittedBy: "alice",
      inputData: { splitEnd: 200 },
      progress: { maps: { total: 3, completed: 3 }, reduces: { total: 2, completed: 2 } },
      outputs: [0, 1].map((n) => `http://store/out/${ids.completed}/part-r-0000${n}`),
      conditions: [],
    });
    expect(await shown(ids.failed)).toMatchObject({
      status: "failed",
      error: { code: "ProgramFailed", taskId: `${ids.failed}-m-0` },
    });
    const mapping = await shown(ids.mapping);
    expect(mapping).toMatchObject({
      status: "mapping",
      progress: { maps: { total: 5, running: 1, completed: 1, failed: 1 } },
      failedMaps: [1],
    });
    expect(mapping.conditions.map(({ type }) => type)).toEqual(["Unschedulable", "NoAgent"]);
  });

  it("begins the jobs' events with their current state", async () => {
    const { endTime, error } = await shown(ids.failed);
    expect(await firstEvent(ids.failed)).toEqual({ id: 1, time: endTime, kind: "job", status: "failed", error });
    expect(await firstEvent(ids.pending)).toMatchObject({ id: 1, kind: "job", status: "pending", error: null });
  });

  it("lists jobs and artifacts", async () => {
    const newestFirst = (
      ["pending", "planning", "mapping", "reducing", "committing", "stopped", "failed", "completed"] as const
    ).map((name) => ({ id: ids[name], status: name }));
    expect((await listed()).map(({ id, status }) => ({ id, status }))).toEqual(newestFirst);
    const artifacts = await jsonOf(z.array(ArtifactSchema), await askAsAlice("GET", "artifacts"));
    expect(artifacts.map(({ name }) => name)).toEqual(["replaced", "combiner", "reducer", "mapper"]);
  });

  it("shows tasks", async () => {
    expect(await tasksOf(ids.mapping)).toMatchObject([
      { id: `${ids.mapping}-m-4`, status: "scheduled", inputData: { path: "http://store/input/4", splitEnd: 50 } },
      {
        status: "in-progress",
        attempt: 2,
        podName: "pod-runner-2",
        message: "half way",
        counters: { builtin: { mapInputRecords: 3 }, user: { group: { counter: 1 } } },
        error: { code: "AttemptLost" },
      },
      { status: "scheduled", error: { code: "ProgramFailed" } },
      { status: "failed", error: { code: "ProgramFailed" } },
      { status: "completed" },
    ]);
    expect((await tasksOf(ids.completed)).map(({ status }) => status)).toEqual(Array(5).fill("completed"));
  });

  it("returns the existing job for its Idempotency-Key", async () => {
    const request = { ...storedRequest, maxFailedMapsPercent: 50, maxAttempts: 2 };
    const headers = { "Content-Type": "application/json", "Idempotency-Key": "nightly" };
    const again = await askAsAlice("POST", "jobs", headers, JSON.stringify(request));
    expect((await jsonOf(JobSchema, again)).id).toBe(ids.mapping);
    const other = await askAsAlice("POST", "jobs", headers, JSON.stringify({ ...request, nReducers: 3 }));
    expect((await problemOf(other)).type).toBe("urn:edgefold:problem:idempotency-conflict");
  });

  it("resumes a reservation when the request is repeated", async () => {
    const again = await registryOf(env).createJob({
      id: "another",
      createdAt: Date.now(),
      cluster: "default",
      names: { mapper: "mapper" },
      idempotency: { caller: "alice", key: "never", fingerprints: ["never"] },
    });
    expect(again).toMatchObject({ kind: "reserved", programs: { mapper: { name: "mapper" } } });
    expect(again).not.toMatchObject({ id: "another" });
  });

  it("tells the cluster's agent which jobs to run and which to remove", async () => {
    const { agent, welcome } = await connectAgent();
    expect(welcome.remove).toEqual([ids.completed]);
    expect(welcome.wanted.slice(0, 5)).toMatchObject([
      { jobId: ids.stopped, runners: 1 },
      { jobId: ids.committing },
      { jobId: ids.reducing },
      { jobId: ids.mapping },
      { jobId: ids.planning, runners: 1 },
    ]);
    // The message for the pending job was not yet delivered when the release ended.
    const pending = () =>
      [...welcome.wanted, ...agent.notices.flatMap((notice) => (notice.kind === "wanted" ? [notice.job] : []))].find(
        ({ jobId }) => jobId === ids.pending,
      );
    await eventually(() => expect(pending()).toMatchObject({ pods: { parallelism: 4, deadlineSeconds: 360_000 } }));
  });

  it("continues a pending job", async () => {
    const job = new JobFixture(ids.pending);
    const runner = await job.runner();
    expect(await job.planned(runner)).toMatchObject({ kind: "map", index: 0 });
    expect(await work(runner)).toEqual(["map", "map", "reduce", "reduce", "commit", "success", "clean"]);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    expect((await shown(job.id)).status).toBe("completed");
  });

  it("continues planning", async () => {
    const job = new JobFixture(ids.planning);
    const attempt = `${job.id}-p-0-1`;
    const runner = await job.runner("runner-p", attempt);
    const objects = [{ path: "http://store/input/2", size: 100, etag: '"2"' }];
    await runner.request({ kind: "planned", attempt, page: 1, objects });
    const map = taskOf(await complete(runner, await claimed(runner)));
    expect(map).toMatchObject({
      kind: "map",
      input: [{ path: "http://store/input/0", size: 150, start: 0, end: 100 }],
    });
    expect(await work(runner)).toEqual(["map", "map", "map", "reduce", "reduce", "commit", "success", "clean"]);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    expect((await shown(job.id)).status).toBe("completed");
  });

  it("continues mapping; new segments are read along with earlier ones", async () => {
    const job = new JobFixture(ids.mapping);
    const attempt = `${job.id}-m-3-2`;
    const runner = await job.dial();
    const credentials = { username: "me", password };
    expect(await job.hello(runner, "runner-2", attempt)).toMatchObject({
      kind: "welcome",
      resume: true,
      job: { input: { credentials }, output: { credentials } },
    });
    const third = await claimed(runner);
    expect(third).toMatchObject({ kind: "map", attempt });
    const second = taskOf(await complete(runner, third));
    const fourth = taskOf(await complete(runner, second));
    expect([second.index, fourth.index]).toEqual([2, 4]);
    const reduce = taskOf(await complete(runner, fourth));
    expect(await runner.request({ kind: "segments", attempt: reduce.attempt, from: 0 })).toMatchObject({
      segments: [`m-0-1`, second.attempt, third.attempt, fourth.attempt].map((each) => ({
        path: expect.stringContaining(each),
        offset: 0,
        length: 10,
      })),
      nextFrom: null,
    });
    expect(await work(runner)).toEqual(["reduce", "reduce", "commit", "success", "clean"]);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    expect(await shown(job.id)).toMatchObject({
      status: "completed",
      failedMaps: [1],
      progress: { maps: { completed: 4, failed: 1 }, reduces: { completed: 2 } },
    });
  });

  it("continues reducing, and commits earlier reduces too", async () => {
    const job = new JobFixture(ids.reducing);
    const attempt = `${job.id}-r-1-1`;
    const runner = await job.runner("runner-r", attempt);
    expect(await runner.request({ kind: "segments", attempt, from: 0 })).toMatchObject({
      segments: [0, 1].map((map) => ({ map, offset: 10, length: 20, largestBlock: 20 })),
      nextFrom: null,
    });
    const commit = taskOf(await complete(runner, await claimed(runner)));
    expect(commit).toMatchObject({
      kind: "commit",
      outputs: [0, 1].map((n) => ({ index: n, path: `http://store/out/part-${n}`, tags: ["a"] })),
    });
    expect(await work(runner)).toEqual(["commit", "success", "clean"]);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    expect((await shown(job.id)).outputs).toHaveLength(2);
  });

  it("continues a commit", async () => {
    const job = new JobFixture(ids.committing);
    const runner = await job.runner("runner-w", `${job.id}-c-0-1`);
    expect(await claimed(runner)).toMatchObject({
      kind: "commit",
      outputs: [0, 1].map((n) => ({ index: n, uploadId: `upload-${job.id}-m-${n}-1`, tags: ["a", "b"] })),
    });
    expect(await work(runner)).toEqual(["commit", "success", "clean"]);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    expect((await shown(job.id)).outputs).toHaveLength(2);
  });

  it("cleans up after a stopped job", async () => {
    const job = new JobFixture(ids.stopped);
    const attempt = `${job.id}-m-0-1`;
    const runner = await job.runner("runner-s", attempt);
    await eventually(() => expect(runner.notices).toMatchObject([{ kind: "revoke", attempt }]));
    expect(await runner.request({ kind: "release", attempt, reason: "revoked" })).toMatchObject({ kind: "done" });
    const clean = taskOf(await claim(runner));
    expect(await runner.request({ kind: "uploads", attempt: clean.attempt, after: 0 })).toMatchObject({
      uploads: [{ path: `http://store/out/.edgefold/${job.id}/m-0`, uploadId: `upload-${attempt}` }],
    });
    finish(runner, clean);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
  });

  it("erases the job that was being removed", async () => {
    await eventually(async () => expect(await isErased(ids.leaving)).toBe(true));
  });

  it("has the same tables as a new Worker", async () => {
    const stored = await schemaOf(jobOf(env, ids.pending));
    const spec = specOf();
    await jobOf(env, spec.id).create(spec, Infinity);
    expect(stored).toEqual(await schemaOf(jobOf(env, spec.id)));
    expect(await schemaOf(clusterOf(env, "default"))).toEqual(await schemaOf(clusterOf(env, "new")));
    expect(await schemaOf(registryOf(env))).toEqual(await schemaOf(env.REGISTRY.getByName("new")));
  });
});

describe.each(earlierReleases)("a Worker that finds databases of release %s a month later", (earlier) => {
  let ids: Record<StoredJob, string>;
  beforeAll(async () => {
    ids = await storeDatabases(earlier, 31 * 24 * 60 * 60 * 1000);
  });
  afterAll(hangUp);

  it.each(["completed", "failed", "stopped", "leaving"] as const)("removes the job '%s'", async (name) => {
    await eventually(async () => expect((await askAsAlice("GET", `jobs/${ids[name]}`)).status).toBe(404));
    await eventually(async () => expect(await isErased(ids[name])).toBe(true));
  });

  it("still lists the others", async () => {
    const left = (["pending", "planning", "mapping", "reducing", "committing"] as const).map((name) => ids[name]);
    expect((await listed()).map(({ id }) => id)).toEqual(left);
  });

  it("fails the job whose deadline has passed", async () => {
    await eventually(async () =>
      expect(await shown(ids.pending)).toMatchObject({ status: "failed", error: { code: "DeadlineExceeded" } }),
    );
  });

  it("stops, cleans up and erases a job", async () => {
    const job = new JobFixture(ids.mapping);
    expect((await askAsAlice("DELETE", `jobs/${job.id}`)).status).toBe(200);
    const { agent } = await connectAgent();
    const exited = { jobId: job.id, runnerId: "runner-2", reason: "its pod was deleted", failure: null };
    expect(await agent.request({ kind: "exited", ...exited })).toMatchObject({ kind: "done" });
    const runner = await job.runner("runner-3");
    expect(await work(runner)).toEqual(["clean"]);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    await eventually(async () => expect(await job.stub.erase()).toBe(true));
    expect(await isErased(job.id)).toBe(true);
  });
});

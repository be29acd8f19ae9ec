import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { AgentAnswerSchema, AgentNoticeSchema, AgentRequestSchema } from "../../shared/protocol/agent.ts";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { release } from "../../shared/release.ts";
import { ClusterSchema } from "../../shared/api/clusters.ts";
import { JobSchema } from "../../shared/api/jobs.ts";
import { clusterOf, type Env } from "../../worker/env.ts";
import { call, jsonOf, openEnv, postJob, problemOf, upload } from "./api.ts";
import { claim, claimed, JobFixture, work } from "./job-fixture.ts";
import { eventually } from "./eventually.ts";
import { runInJob } from "./objects.ts";
import { hangUp, Peer } from "./peer.ts";
import { rows } from "./registry-helpers.ts";

afterEach(hangUp);
afterEach(() => {
  vi.useRealTimers();
});

const request = {
  inputPath: "http://minio:9000/test/test.txt",
  outputPath: "http://minio:9000",
  mapperName: "mapper",
  reducerName: "mapper",
};
const token = "agent-token-of-16-or-more";
const withClusters = (...names: string[]): Env => ({
  ...openEnv,
  AGENT_TOKENS: names.map((name) => `${name}=${token}`).join(","),
});
const post = async (fields: Record<string, unknown>, env: Env): Promise<Response> =>
  await call("POST", "/api/v1/jobs", {
    env,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...request, ...fields }),
  });

const dial = async (cluster: string, version: number, clusterId: string, itsRelease = release) => {
  const agent = await Peer.dial(clusterOf(openEnv, cluster), {
    request: AgentRequestSchema,
    answer: AgentAnswerSchema,
    notice: AgentNoticeSchema,
  });
  const hello = {
    kind: "hello",
    version,
    release: itsRelease,
    clusterId,
    launcher: "kubernetes",
    capacity: 7,
  } as const;
  return { agent, answer: agent.request(hello) };
};

beforeAll(async () => void (await upload("mapper", "#!the mapper")));

describe("a job goes to", () => {
  it.each([
    [undefined, ["only"], "only"],
    [undefined, ["other", "default"], "default"],
    ["other", ["other", "default"], "other"],
  ])("%s of %s: %s", async (cluster, names, chosen) => {
    const job = await jsonOf(JobSchema, await post({ cluster }, withClusters(...names)));
    expect(job.cluster).toBe(chosen);
    const described = await jsonOf(JobSchema, await call("GET", `/api/v1/jobs/${job.id}`));
    expect(described.conditions.map(({ type, message }) => [type, message.includes(`'${chosen}'`)])).toEqual([
      ["NoAgent", true],
    ]);
  });

  it.each([
    [undefined, "is required, as no cluster is named 'default'; there are a, b"],
    ["c", "names no cluster; there are a, b"],
  ])("no unknown cluster: %s", async (cluster, message) => {
    const problem = await problemOf(await post({ cluster }, withClusters("a", "b")));
    expect(problem).toMatchObject({ status: 400, errors: [{ field: "cluster", message }] });
  });
});

/** SQL that gives a cluster 999 jobs that have not ended. */
const crowd = (cluster: string) =>
  `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
     INSERT INTO job (id, created_at, cluster) SELECT '${cluster}-' || i, 1, '${cluster}' FROM n`;

describe("a cluster with 1,000 jobs that have not ended", () => {
  const env = withClusters("crowded", "other");

  it("accepts no further one until one has ended", async () => {
    await rows(crowd("crowded"));
    const last = await jsonOf(JobSchema, await post({ cluster: "crowded" }, env));
    const refused = await post({ cluster: "crowded" }, env);
    expect(refused.headers.get("Retry-After")).toBe("60");
    const problem = await problemOf(refused);
    expect(problem).toMatchObject({ status: 429, type: "urn:edgefold:problem:too-many-jobs" });
    expect(problem.detail).toContain("The cluster 'crowded' has 1000 jobs");
    expect((await post({ cluster: "other" }, env)).status).toBe(201);
    await call("DELETE", `/api/v1/jobs/${last.id}`);
    await eventually(async () => expect((await post({ cluster: "crowded" }, env)).status).toBe(201));
  });

  it("returns the existing job for a repeated request", async () => {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": "before" };
    const body = JSON.stringify({ ...request, cluster: "repeated" });
    const again = async () => await call("POST", "/api/v1/jobs", { env: withClusters("repeated"), headers, body });
    const { id } = await jsonOf(JobSchema, await again());
    await rows(crowd("repeated"));
    expect((await jsonOf(JobSchema, await again())).id).toBe(id);
  });
});

const list = async (...names: string[]) =>
  await jsonOf(z.array(ClusterSchema), await call("GET", "/api/v1/clusters", { env: withClusters(...names) }));

describe("GET /api/v1/clusters", () => {
  it("shows connected agents, and clusters without one", async () => {
    const { answer } = await dial("shown", protocolVersion, "uid");
    await answer;
    const [shown, absent] = await list("shown", "absent");
    expect(shown).toMatchObject({
      name: "shown",
      connected: true,
      version: release,
      launcher: "kubernetes",
      capacity: 7,
      problem: null,
    });
    expect(Math.abs((shown?.lastContact ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(absent).toEqual({
      name: "absent",
      connected: false,
      version: null,
      launcher: null,
      capacity: null,
      lastContact: null,
      problem: null,
    });
  });

  it("reports an agent of another release, which works", async () => {
    await (
      await dial("older", protocolVersion, "uid", "0.0.9")
    ).answer;
    expect((await list("older"))[0]).toMatchObject({ connected: true, version: "0.0.9" });
    expect((await list("older"))[0]?.problem).toContain("0.0.9");
  });

  it("reports an agent of an earlier protocol, which works, but whose runners are refused", async () => {
    const { answer } = await dial("earlier", 3, "uid", "0.1.0");
    expect((await answer).kind).toBe("welcome");
    expect((await list("earlier"))[0]).toMatchObject({ connected: true, problem: expect.stringContaining("refused") });
  });

  it("reports an agent of an unsupported protocol, which was refused", async () => {
    const { agent } = await dial("foreign", 2, "uid", "0.0.1");
    expect(await agent.closed).toMatchObject({ code: closeCodes.version });
    expect((await list("foreign"))[0]).toMatchObject({ connected: false, version: "0.0.1" });
    expect((await list("foreign"))[0]?.problem).toContain(`protocols 3 to ${protocolVersion}`);
  });
});

describe("the pod options of a job", () => {
  it("reach the cluster", async () => {
    const pods = {
      resources: { cpu: "500m", memory: "2Gi", "ephemeral-storage": "5Gi" },
      nodeSelector: { "kubernetes.io/arch": "amd64" },
      tolerations: [{ key: "spot", operator: "Exists", effect: "NoSchedule" }],
      image: "registry.example.com/mine:1",
      imagePullSecrets: ["pull"],
      serviceAccountName: "mine",
      labels: { team: "a" },
      annotations: { "example.com/note": "é".repeat(8184) },
      queueName: "queue",
    };
    const secrets = { inputStorageCredentials: { secretName: "in" }, outputStorageCredentials: { secretName: "out" } };
    const env = withClusters("pods");
    expect((await post({ ...pods, ...secrets, deadlineSeconds: 60, parallelism: 3 }, env)).status).toBe(201);
    const { answer } = await dial("pods", protocolVersion, "uid");
    expect(await answer).toMatchObject({
      kind: "welcome",
      wanted: [{ runners: 1, pods: { ...pods, parallelism: 3, credentialSecrets: ["in", "out"] } }],
    });
  });

  it.each([
    ["resources.memory", { resources: { memory: "100Mi" } }],
    ["resources.cpu", { resources: { cpu: "many" } }],
    ["resources.gpu", { resources: { gpu: "1" } }],
    ["nodeSelector.no key!", { nodeSelector: { "no key!": "x" } }],
    ["nodeSelector.disk", { nodeSelector: { disk: "not a value" } }],
    ["tolerations.0.operator", { tolerations: [{}] }],
    ["tolerations.0.tolerationSeconds", { tolerations: [{ key: "a", tolerationSeconds: 3 }] }],
    ["image", { image: "no image" }],
    ["imagePullSecrets.0", { imagePullSecrets: ["No_Name"] }],
    ["serviceAccountName", { serviceAccountName: "../other" }],
    ["labels.edgefold.dev/job-id", { labels: { "edgefold.dev/job-id": "other" } }],
    ["labels.batch.kubernetes.io/job-name", { labels: { "batch.kubernetes.io/job-name": "other" } }],
    ["annotations.kueue.x-k8s.io/a", { annotations: { "kueue.x-k8s.io/a": "b" } }],
    ["annotations", { annotations: { a: "é".repeat(8192) } }],
    ["queueName", { queueName: "No Queue" }],
    ["deadlineSeconds", { deadlineSeconds: 0 }],
    ["startTimeoutSeconds", { startTimeoutSeconds: 1.5 }],
    ["cluster", { cluster: "No Cluster" }],
    ["inputStorageCredentials.secretName", { inputStorageCredentials: { secretName: "No Name" } }],
    [
      "inputStorageCredentials.secretName",
      { inputStorageCredentials: { secretName: "edgefold-01a20e51-8c10-72d6-bfcf-138b73108aa3-g2" } },
    ],
    ["inputStorageCredentials.username", { inputStorageCredentials: { secretName: "a", username: "b" } }],
    ["outputStorageCredentials.password", { outputStorageCredentials: { username: "b" } }],
    ["podTemplate", { podTemplate: {} }],
  ])("are refused by name: %s", async (field, fields) => {
    const problem = await problemOf(await postJob({ ...request, ...fields }));
    expect(problem).toMatchObject({ status: 400, errors: [{ field }] });
  });
});

/** Runs the alarm of a job 100 s in the future. */
const age = async (job: JobFixture): Promise<void> => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 100_000 });
  // Not `runDurableObjectAlarm`, which does nothing if the alarm has just fired by itself.
  await runInJob(job.id, async (instance) => await instance.alarm());
  vi.useRealTimers();
};

describe("a job that takes too long", () => {
  it("fails at its deadline, and is cleaned up", async () => {
    const job = await JobFixture.create({ deadlineSeconds: 99 });
    const runner = await job.runner();
    await job.planned(runner);
    await age(job);
    const { status, error } = await job.describe();
    expect({ status, code: error?.code }).toEqual({ status: "failed", code: "DeadlineExceeded" });
    expect(error?.message).toContain("99 s");
  });

  it("fails if no runner starts it in time, with the known reason", async () => {
    await (
      await dial("busy", protocolVersion, "uid")
    ).answer;
    const job = await JobFixture.create({ startTimeoutSeconds: 99 }, "busy");
    await job.report({
      kind: "conditions",
      conditions: [{ type: "Unschedulable", message: "0/3 nodes are available" }],
    });
    await age(job);
    const { status, error, conditions } = await job.describe();
    // The condition that kept it from starting has become its error.
    expect({ status, code: error?.code, conditions }).toEqual({
      status: "failed",
      code: "Unschedulable",
      conditions: [],
    });
    expect(error?.message).toContain("0/3 nodes are available");
    await job.report({
      kind: "conditions",
      conditions: [{ type: "Unschedulable", message: "0/3 nodes are available" }],
    });
    expect((await job.describe()).conditions).toEqual([]);
  });

  it("fails with NoAgent if there is no agent", async () => {
    const job = await JobFixture.create({ startTimeoutSeconds: 99 }, "nobody");
    await age(job);
    expect((await job.describe()).error).toMatchObject({
      code: "NoAgent",
      message: expect.stringContaining("No agent is connected for the cluster 'nobody'"),
    });
  });

  it("does not fail once a runner has started it", async () => {
    const job = await JobFixture.create({ startTimeoutSeconds: 99 });
    await claimed(await job.runner());
    await age(job);
    expect((await job.describe()).status).toBe("planning");
  });
});

describe("a job that has ended", () => {
  it.each(["completed", "stopped"] as const)("no longer has conditions of its runners if it was %s", async (end) => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner, [100]);
    await job.report({
      kind: "conditions",
      conditions: [{ type: "RunnersCannotStart", message: "The job has no runner" }],
    });
    if (end === "stopped") await job.stub.stop();
    else await work(runner);
    const { status, conditions } = await job.describe();
    expect({ status, conditions }).toEqual({ status: end, conditions: [] });
  });
});

describe("a runner that is gone", () => {
  it("charges its task even if it had released it, and the task waits for the report", async () => {
    const job = await JobFixture.create({ maxAttempts: 1 });
    const [a, b] = [await job.runner("a"), await job.runner("b")];
    const map = await job.planned(a, [100]);
    await a.request({ kind: "release", attempt: map.attempt, reason: "it was told to end", ending: true });
    expect(await claim(b)).toMatchObject({ next: { next: "idle" } });
    const failure = { code: "Evicted", message: "The pod was evicted: it used more disk than its limit." };
    for (let report = 0; report < 2; report++)
      await job.report({ kind: "exited", runnerId: "a", reason: failure.message, failure });
    const { status, error, progress } = await job.describe();
    expect({ status, error }).toEqual({ status: "failed", error: { ...failure, taskId: `${job.id}-m-0` } });
    expect(progress.maps).toMatchObject({ running: 0, failed: 1 });
  });

  it("charges its task if that is what killed it, at most four times", async () => {
    const job = await JobFixture.create();
    const planner = await job.runner("planner");
    await job.planned(planner, [100]);
    const failure = { code: "OOMKilled", message: "The pod used more memory than its limit, 1Gi." };
    await job.report({ kind: "exited", runnerId: "planner", reason: failure.message, failure });
    for (let attempt = 2; attempt <= 4; attempt++) {
      await job.query("UPDATE task SET not_before = 0, row = json_set(row, '$.notBefore', 0)");
      await claimed(await job.runner(`runner-${attempt}`));
      await job.report({ kind: "exited", runnerId: `runner-${attempt}`, reason: failure.message, failure });
    }
    expect(await job.describe()).toMatchObject({
      status: "failed",
      error: { ...failure, taskId: `${job.id}-m-0` },
    });
  });
});

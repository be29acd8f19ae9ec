import { once } from "node:events";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Task } from "../../shared/api/tasks.ts";
import { ClusterStage } from "../cluster/stage.ts";
import { FakeCluster } from "../helpers/kubernetes/cluster.ts";
import { killAgent } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";
import { brokenImage, SimulatedCluster } from "./simulated-cluster.ts";

let cluster: SimulatedCluster;
let stage: ClusterStage;
let input: string;

beforeAll(async () => {
  cluster = await SimulatedCluster.start();
  stage = await ClusterStage.start(cluster, { ALLOWED_IMAGES: brokenImage });
  input = await stage.input("a b\n");
  await stage.script("wait", "echo waiting >&2; sleep 300");
  await stage.script("slow", "sleep 2; cat");
});
afterAll(async () => {
  await stage.stop();
  await cluster.fake.stop();
});

/** A job that waits for ever, and the pod that its map is in. */
const waiting = async (more: Record<string, unknown> = {}) => {
  const { id } = await stage.post({ inputPath: input, mapperName: "wait", nReducers: 0, ...more });
  return { id, pod: await podOf(id, 1) };
};

/** The pod that the map's attempt of this number is in. */
const podOf = async (id: string, attempt: number) =>
  until(`attempt ${attempt} of the map`, async () => {
    const [task] = await stage.edgefold.tasks(id);
    if (task?.status !== "in-progress" || task.attempt !== attempt) return undefined;
    return cluster.fake.pods().find(({ metadata }) => metadata.name === task.podName);
  });

/** What the map's task shows once its next attempt has begun. */
const afterwards = async (id: string): Promise<Task | undefined> => {
  await podOf(id, 2);
  return (await stage.edgefold.tasks(id))[0];
};

/** A pod on a lost node is given its 20 s to end, and 30 s more, before another may take its place. */
const lossMs = 120_000;

/** Waits until the map's task tells of something. */
const errorOf = async (id: string, message: string) =>
  until(
    `the task says: ${message}`,
    async () => {
      const [task] = await stage.edgefold.tasks(id);
      return task?.error?.message.includes(message) === true ? task.error : undefined;
    },
    lossMs,
  );

const endOf = async (id: string): Promise<void> => {
  await stage.end(id);
  await stage.gone(id);
};

describe("a pod that ends", () => {
  it("for lack of memory is charged to its task, with the limit, and fails the job at the fourth time", async () => {
    const { id, pod } = await waiting({ resources: { memory: "600Mi" } });
    await cluster.fake.oomKill(pod);
    const task = await afterwards(id);
    const message =
      /^The pod edgefold-\S+ used more memory than its limit, 600Mi \(OOMKilled\); resources\.memory sets it\.$/;
    expect(task?.error).toMatchObject({ code: "OOMKilled", message: expect.stringMatching(message) });
    for (let attempt = 2; attempt <= 4; attempt++) await cluster.fake.oomKill(await podOf(id, attempt));
    const { status, error } = await stage.edgefold.ended(id);
    expect({ status, code: error?.code }).toEqual({ status: "failed", code: "OOMKilled" });
    expect(error?.message).toMatch(message);
    await stage.gone(id);
  });

  it("for lack of disk is charged to its task, though its runner gave that back, and fails the job", async () => {
    const { id, pod } = await waiting({ maxAttempts: 1 });
    const usage = 'Usage of EmptyDir volume "work" exceeds the limit "1Gi". ';
    await cluster.fake.evict(pod, usage);
    const { status, error } = await stage.edgefold.ended(id);
    expect({ status, code: error?.code }).toEqual({ status: "failed", code: "Evicted" });
    expect(error?.message).toContain(`was evicted: ${usage.trim()} resources.ephemeral-storage sets the limit.`);
    expect((await stage.edgefold.tasks(id)).map(({ attempt }) => attempt)).toEqual([1]);
    await stage.gone(id);
  });

  it.each<[string, string, (pod: { metadata: { name: string } }) => Promise<void>]>([
    [
      "another pod's need",
      "was evicted: The node was low on resource: memory.",
      async (pod) => cluster.fake.evict(pod, "The node was low on resource: memory."),
    ],
    ["kill -9 on its node", "ended with exit code 137", async (pod) => cluster.fake.kill(pod)],
    ["the loss of its node", "whose node node-1 was lost", async (pod) => cluster.fake.loseNode(pod)],
  ])("by %s is not its task's fault, and says so", { timeout: 2 * lossMs }, async (_, message, act) => {
    const { id, pod } = await waiting();
    await act(pod);
    expect((await errorOf(id, message)).code).toBe("AttemptLost");
    await podOf(id, 2);
    await endOf(id);
  });

  it("by kill -9 leaves its programs' words behind, also in the container's log", async () => {
    const { id, pod } = await waiting();
    const log = `${stage.edgefold.url}/api/v1/jobs/${id}/tasks/${id}-m-0/attempts/1/log`;
    const read = async () => (await fetch(log)).text();
    await until("the log of the attempt", async () => ((await read()) === "waiting\n" ? true : undefined));
    expect(cluster.fake.logs(pod.metadata.name)).toContain(`[${id}-m-0-1] waiting\n`);
    await cluster.fake.kill(pod);
    await podOf(id, 2);
    expect(await read()).toBe("waiting\n");
    await endOf(id);
  });

  it("because it is told to gives its task back, and another takes its place", async () => {
    const { id, pod } = await waiting();
    await cluster.deletePod(pod.metadata.name);
    expect((await podOf(id, 2)).metadata.name).not.toBe(pod.metadata.name);
    // A pod that ends as though there were no more to do would have ended the whole Job.
    const [job] = cluster.fake.jobs(`edgefold.dev/job-id=${id}`);
    expect(job?.metadata.name).toBe(pod.metadata.labels?.["batch.kubernetes.io/job-name"]);
    expect(job?.status.conditions ?? []).toEqual([]);
    await endOf(id);
  });

  it("as soon as it has started shows why", async () => {
    const { id } = await stage.post({ inputPath: input, mapperName: "wait", nReducers: 0, image: brokenImage });
    const message = await stage.condition(id, "RunnersCannotStart");
    expect(message).toMatch(/ended with exit code 1: [^]*Cannot find module/);
    await endOf(id);
  });
});

describe("the API server", () => {
  it("may fail, lose answers and forget versions", async () => {
    for (const fault of [500, "answer lost"] as const) {
      cluster.fake.fail("create", "jobs", fault);
      cluster.fake.fail("create", "secrets", fault);
      cluster.fake.fail("patch", "jobs", fault);
      cluster.fake.fail("delete", "jobs", fault);
    }
    const { id } = await stage.post({ inputPath: input, mapperName: "slow", nReducers: 0 });
    cluster.fake.expireWatches();
    await stage.edgefold.waitFor(id, ({ progress }) => progress.maps.running > 0);
    cluster.fake.cutWatches();
    await stage.edgefold.completed(id);
    cluster.fake.cutWatches("end");
    await stage.gone(id);
  });

  it("never gives the agent a Secret, and refuses it nothing", async () => {
    const agent = cluster.fake.requests.filter(({ user }) => user.includes("edgefold-agent"));
    expect(agent.filter(({ resource, verb }) => resource === "secrets" && verb !== "create")).toEqual([]);
    expect(new Set(agent.map(({ verb, resource }) => `${verb} ${resource}`))).toContain("create secrets");
  });

  it("is told what an agent lacks before it does anything", async () => {
    const bare = await FakeCluster.start({
      documents: ["edgefold", "edgefold-jobs"].map((name) => ({
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name },
      })),
    });
    const folder = mkdtempSync(join(tmpdir(), "edgefold-cluster-"));
    try {
      writeFileSync(join(folder, "kubeconfig"), bare.kubeconfig({ user: "agent" }));
      const agent = spawn(process.execPath, [fileURLToPath(new URL("../../backend/agent/main.ts", import.meta.url))], {
        env: {
          PATH: process.env["PATH"],
          LAUNCHER: "kubernetes",
          KUBECONFIG: join(folder, "kubeconfig"),
          AGENT_TOKEN: "none",
          RUNNER_IMAGE: "none",
        },
      });
      let output = "";
      agent.stderr.on("data", (chunk) => (output += String(chunk)));
      const [code] = await once(agent, "exit");
      expect(code).toBe(1);
      expect(output).toContain("- create jobs in the namespace edgefold-jobs");
      expect(output).toContain("- update leases edgefold-agent in the namespace edgefold");
    } finally {
      await bare.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

describe("an agent", () => {
  it("that is killed while it removes a job does so when it is there again", async () => {
    const { id } = await waiting();
    cluster.fake.fail("delete", "jobs", 503, 3);
    await stage.edgefold.stopJob(id);
    await stage.edgefold.ended(id);
    await killAgent(stage.edgefold);
    await stage.startAgent();
    await stage.gone(id);
  });

  it("waits while another one leads, and takes over when that ends", async () => {
    const first = stage.edgefold.agent;
    const second = stage.startAgent();
    const { id } = await waiting();
    await first?.stop();
    await second;
    expect((await stage.edgefold.job(id)).status).toBe("mapping");
    await endOf(id);
  });
});

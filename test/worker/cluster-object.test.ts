import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  AgentAnswerSchema,
  AgentNoticeSchema,
  AgentRequestSchema,
  type AgentAnswer,
  type AgentNotice,
  type AgentRequest,
} from "../../shared/protocol/agent.ts";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { clusterOf, jobOf } from "../../worker/env.ts";
import { JobObject } from "../../worker/job/object.ts";
import { eventually } from "./eventually.ts";
import { release } from "../../shared/release.ts";
import { JobFixture } from "./job-fixture.ts";
import { runInCluster } from "./objects.ts";
import { hangUp, Peer } from "./peer.ts";

afterEach(hangUp);
afterEach(() => {
  vi.restoreAllMocks();
});

type Agent = Peer<AgentRequest, AgentAnswer, AgentNotice>;

const schemas = { request: AgentRequestSchema, answer: AgentAnswerSchema, notice: AgentNoticeSchema };
let clusters = 0;

/** A cluster that no other test uses. */
const newCluster = () => clusterOf(env, `cluster-${clusters++}`);
type Cluster = ReturnType<typeof newCluster>;

const dial = async (cluster: Cluster): Promise<Agent> => await Peer.dial(cluster, schemas);

const hello = (clusterId: string, version = protocolVersion) =>
  ({ kind: "hello", version, release, clusterId, launcher: "process", capacity: 4 }) as const;

/** Connects an agent. @returns it and the welcome */
const welcomed = async (cluster: Cluster, clusterId = "uid-1"): Promise<{ agent: Agent; answer: AgentAnswer }> => {
  const agent = await dial(cluster);
  const answer = await agent.request(hello(clusterId));
  expect(answer.kind).toBe("welcome");
  return { agent, answer };
};

const wanted = (jobId: string, runners: number, version = 1) => ({
  jobId,
  version,
  runners,
  token: `${jobId}.token`,
  pods: { credentialSecrets: [] },
});

const query = async (cluster: Cluster, text: string) =>
  await runInDurableObject(cluster, (_, state) => state.storage.sql.exec(text).toArray());
/** A new stub. The stub of an object that has died can no longer be used. */
const newStub = (cluster: Cluster): Cluster => env.CLUSTERS.get(cluster.id);

/** Creates a job that its cluster wants, and connects the cluster's agent. */
const wantedJob = async () => {
  const name = `cluster-${clusters++}`;
  const job = await JobFixture.create({}, name);
  const cluster = clusterOf(env, name);
  const { agent } = await welcomed(cluster);
  await eventually(async () => expect(await query(cluster, "SELECT job FROM wanted_job")).toHaveLength(1));
  return { job, cluster, agent };
};

describe("a job in the cluster", () => {
  test("is in the welcome, oldest first, together with jobs to remove", async () => {
    const cluster = newCluster();
    await cluster.want(wanted("b", 1));
    await cluster.want(wanted("a", 2));
    await cluster.want(wanted("b", 3));
    await cluster.want(wanted("gone", 1));
    await cluster.remove("gone");
    const { answer } = await welcomed(cluster);
    expect(answer).toMatchObject({ wanted: [wanted("b", 3), wanted("a", 2)], remove: ["gone"] });
  });

  test("is sent to a connected agent at once", async () => {
    const cluster = newCluster();
    const { agent } = await welcomed(cluster);
    await cluster.want(wanted("a", 2));
    await cluster.remove("a");
    await eventually(() => expect(agent.notices).toHaveLength(2));
    expect(agent.notices).toEqual([
      { kind: "wanted", job: wanted("a", 2) },
      { kind: "remove", jobId: "a" },
    ]);
  });

  test("is not sent before the welcome", async () => {
    const cluster = newCluster();
    const agent = await dial(cluster);
    await cluster.want(wanted("a", 2));
    await agent.request(hello("uid-1"));
    expect(agent.notices).toEqual([]);
  });

  test("is removed until the agent confirms it, and cannot come back meanwhile", async () => {
    const cluster = newCluster();
    await cluster.want(wanted("a", 2));
    await cluster.remove("a");
    await cluster.want(wanted("a", 1));
    const { agent, answer } = await welcomed(cluster);
    expect(answer).toMatchObject({ wanted: [], remove: ["a"] });
    for (const _ of [1, 2])
      expect(await agent.request({ kind: "removed", jobId: "a" })).toMatchObject({ kind: "done" });
    expect((await welcomed(cluster)).answer).toMatchObject({ wanted: [], remove: [] });
  });

  test("follows the newest message of its object, even if an older one arrives later", async () => {
    const cluster = newCluster();
    const { agent } = await welcomed(cluster);
    await cluster.want(wanted("a", 30, 2));
    await cluster.want(wanted("a", 1, 1));
    await cluster.want(wanted("a", 20, 3));
    await eventually(() => expect(agent.notices).toHaveLength(2));
    expect(agent.notices).toEqual([30, 20].map((runners, i) => ({ kind: "wanted", job: wanted("a", runners, i + 2) })));
    expect((await welcomed(cluster)).answer).toMatchObject({ wanted: [wanted("a", 20, 3)] });
  });

  test("is removed when a runner finds it over, if a message from before its end arrived late", async () => {
    const job = await JobFixture.create();
    const cluster = newCluster();
    const { agent } = await welcomed(cluster);
    await cluster.want(wanted(job.id, 1));
    await agent.request({ kind: "exited", jobId: job.id, runnerId: "a", reason: "drained", failure: null });
    expect(agent.notices).toHaveLength(1);
    await job.stub.stop();
    await agent.request({ kind: "exited", jobId: job.id, runnerId: "b", reason: "its job has ended", failure: null });
    await agent.request({ kind: "exited", jobId: job.id, runnerId: "c", reason: "its job has ended", failure: null });
    await eventually(() => expect(agent.notices.slice(1)).toEqual([{ kind: "remove", jobId: job.id }]));
    expect((await welcomed(cluster)).answer).toMatchObject({ wanted: [], remove: [job.id] });
  });

  test("is removed likewise if the job's object is empty", async () => {
    const cluster = newCluster();
    const { agent } = await welcomed(cluster);
    await cluster.want(wanted("erased", 1));
    await agent.request({ kind: "exited", jobId: "erased", runnerId: "a", reason: "refused", failure: null });
    await eventually(() => expect(agent.notices.slice(1)).toEqual([{ kind: "remove", jobId: "erased" }]));
    expect((await welcomed(cluster)).answer).toMatchObject({ wanted: [], remove: ["erased"] });
  });

  test("is sent in messages of limited size, however many jobs there are", async () => {
    const cluster = newCluster();
    // Release 0.1.0 accepted annotations of this size.
    const annotations = Object.fromEntries(["a", "b", "c"].map((key) => [key, "é".repeat(5000)]));
    const jobs = Array.from({ length: 100 }, (_, i) => ({
      ...wanted(`job-${i}`, 1),
      pods: { credentialSecrets: [], annotations },
    }));
    await runInCluster(cluster, async (instance) => {
      for (const job of jobs) await instance.want(job);
      await instance.want(wanted("gone", 1));
      await instance.remove("gone");
    });
    const { agent, answer } = await welcomed(cluster);
    if (answer.kind !== "welcome") throw new Error("no welcome");
    expect(answer).toMatchObject({ remove: ["gone"], isPartial: true });
    await eventually(() => expect(answer.wanted.length + agent.notices.length).toBe(jobs.length));
    const noticed = agent.notices.flatMap((notice) => (notice.kind === "wanted" ? [notice.job] : []));
    expect([...answer.wanted, ...noticed]).toEqual(jobs);
    const sizes = [answer, ...agent.notices].map((message) => new TextEncoder().encode(JSON.stringify(message)).length);
    expect(Math.max(...sizes)).toBeLessThan(1_000_000);
  });

  test("needs no removal if it was never wanted", async () => {
    const cluster = newCluster();
    await cluster.remove("a");
    expect((await welcomed(cluster)).answer).toMatchObject({ wanted: [], remove: [] });
  });
});

describe("an agent", () => {
  test("of another cluster is refused, without disturbing the connected one", async () => {
    const cluster = newCluster();
    const { agent } = await welcomed(cluster);
    const other = await dial(cluster);
    void other.request(hello("uid-2"));
    expect(await other.closed).toMatchObject({ code: closeCodes.clusterTaken });
    expect(await cluster.agentAbsentSince()).toBeNull();
    await agent.close();
    const again = await dial(cluster);
    void again.request(hello("uid-2"));
    expect(await again.closed).toMatchObject({ code: closeCodes.clusterTaken });
  });

  test("that reconnects replaces its previous connection, and never counts as absent", async () => {
    const cluster = newCluster();
    const { agent: former } = await welcomed(cluster);
    const { agent } = await welcomed(cluster);
    expect(await former.closed).toMatchObject({ code: closeCodes.replaced });
    expect(await cluster.agentAbsentSince()).toBeNull();
    await cluster.want(wanted("a", 1));
    await eventually(() => expect(agent.notices).toHaveLength(1));
    expect(former.notices).toEqual([]);
  });

  test("is refused a message of more than 4 MiB, unparsed", async () => {
    const { agent } = await welcomed(newCluster());
    const parse = vi.spyOn(JSON, "parse");
    const message = `{"kind":"removed","id":1,"jobId":"${"x".repeat(4 * 1024 * 1024)}"}`;
    agent.send(message);
    expect(await agent.closed).toMatchObject({ code: closeCodes.malformed });
    expect(parse.mock.calls.filter(([text]) => text === message)).toEqual([]);
  });

  describe("is absent", () => {
    const forEver = "UPDATE cluster SET absent_since = 1";

    test("before it comes and after it goes", async () => {
      const cluster = newCluster();
      expect(await cluster.agentAbsentSince()).toEqual(expect.any(Number));
      await query(cluster, forEver);
      const { agent } = await welcomed(cluster);
      expect(await cluster.agentAbsentSince()).toBeNull();
      await agent.close();
      expect(await cluster.agentAbsentSince()).toBeGreaterThan(1);
    });

    test("from the death of the object on, although no close event reports it", async () => {
      const cluster = newCluster();
      await query(cluster, forEver);
      await query(cluster, "UPDATE agent SET contact = 1");
      const { agent } = await welcomed(cluster);
      await query(cluster, "UPDATE agent SET contact = 1");
      await runInDurableObject(cluster, (_, state) => state.abort("killed by a test")).catch(() => undefined);
      await agent.closed;
      expect(await newStub(cluster).agentAbsentSince()).toBeGreaterThan(1);
      expect((await newStub(cluster).describe("")).lastContact).toBeGreaterThan(1);
    });
  });

  test("that stays silent is closed", async () => {
    const cluster = newCluster();
    const silent = await dial(cluster);
    const { agent } = await welcomed(cluster);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 100_000 });
    await runInCluster(cluster, async (instance) => await instance.alarm());
    vi.useRealTimers();
    expect(await silent.closed).toMatchObject({ code: closeCodes.malformed });
    expect(await agent.request({ kind: "removed", jobId: "a" })).toMatchObject({ kind: "done" });
  });

  test("of another version is closed", async () => {
    const agent = await dial(newCluster());
    void agent.request(hello("uid-1", protocolVersion + 1));
    expect(await agent.closed).toMatchObject({ code: closeCodes.version });
  });

  test.each(["", '{"kind":"hello","id":1}', '{"kind":"removed","id":1,"jobId":"a"}'])(
    "that begins with %j is closed",
    async (text) => {
      const agent = await dial(newCluster());
      agent.send(text);
      expect(await agent.closed).toMatchObject({ code: closeCodes.malformed });
    },
  );
});

describe("what an agent reports", () => {
  test("reaches the job", async () => {
    const { job, agent } = await wantedJob();
    const runner = await job.runner("a");
    await job.planned(runner);
    const shows = async (shown: object) => {
      await eventually(async () => expect(await job.describe()).toMatchObject(shown));
    };
    const conditions = [{ type: "ImagePullBackOff", message: "no such image" }];
    await agent.request({ kind: "conditions", jobId: job.id, conditions });
    await shows({ conditions });
    await agent.request({ kind: "exited", jobId: job.id, runnerId: "a", reason: "drained", failure: null });
    await shows({ conditions, progress: { maps: { running: 0 } } });
    await agent.request({ kind: "conditions", jobId: job.id, conditions: [] });
    await shows({ conditions: [] });
    await agent.request({ kind: "failed", jobId: job.id, code: "NotAllowed", message: "not that image" });
    await shows({ status: "failed", error: { code: "NotAllowed", message: "not that image", taskId: null } });
  });

  test("about a job that the cluster does not know changes nothing", async () => {
    const { agent } = await welcomed(newCluster());
    const jobId = "unknown";
    const answers = [
      await agent.request({ kind: "exited", jobId, runnerId: "a", reason: "", failure: null }),
      await agent.request({ kind: "conditions", jobId, conditions: [] }),
      await agent.request({ kind: "failed", jobId, code: "NotAllowed", message: "" }),
      await agent.request({ kind: "removed", jobId }),
    ];
    expect(answers.map(({ kind }) => kind)).toEqual(["done", "done", "done", "done"]);
    const tables = await runInDurableObject(jobOf(env, jobId), (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'job'").toArray(),
    );
    expect(tables).toEqual([]);
  });

  test("reaches a job that is unavailable at first", async () => {
    const { job, cluster, agent } = await wantedJob();
    const lost = new Error("Network connection lost.");
    vi.spyOn(JobObject.prototype, "report").mockRejectedValueOnce(lost).mockRejectedValueOnce(lost);
    const report = { kind: "failed", jobId: job.id, code: "NotAllowed", message: "not that image" } as const;
    expect(await agent.request(report)).toMatchObject({ kind: "done" });
    await eventually(async () => expect((await job.describe()).status).toBe("failed"));
    const left = "SELECT key FROM report UNION ALL SELECT target FROM outbox";
    await eventually(async () => expect(await query(cluster, left)).toEqual([]));
  });

  test("is delivered in order, without superseded reports", async () => {
    const { job, agent } = await wantedJob();
    const told = vi.spyOn(JobObject.prototype, "report");
    const { promise: pause, resolve: goOn } = Promise.withResolvers<void>();
    told.mockImplementationOnce(async () => {
      await pause;
      throw new Error("Network connection lost.");
    });
    const say = async (type: string) => {
      await agent.request({ kind: "conditions", jobId: job.id, conditions: [{ type, message: "" }] });
    };
    await say("ImagePullBackOff");
    await eventually(() => expect(told).toHaveBeenCalledOnce());
    await say("Unschedulable");
    await agent.request({ kind: "exited", jobId: job.id, runnerId: "a", reason: "drained", failure: null });
    await say("NodeNotReady");
    goOn();
    await eventually(async () => expect((await job.describe()).conditions).toMatchObject([{ type: "NodeNotReady" }]));
    expect(told.mock.lastCall?.[0]).toMatchObject([{ kind: "exited" }, { kind: "conditions" }]);
  });

  test("is refused if it cannot be stored, so that the agent repeats it", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { job, cluster, agent } = await wantedJob();
    const exited = { kind: "exited", jobId: job.id, runnerId: "a", reason: "", failure: null } as const;
    await query(cluster, "ALTER TABLE report RENAME TO hidden");
    expect(await agent.request(exited)).toMatchObject({ kind: "error" });
    expect(logged).toHaveBeenCalledOnce();
    await query(cluster, "ALTER TABLE hidden RENAME TO report");
    expect(await agent.request(exited)).toMatchObject({ kind: "done" });
  });
});

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../helpers/terminal.ts";
import { until } from "../helpers/until.ts";
import type { TestCluster } from "./cluster.ts";
import { ClusterStage } from "./stage.ts";

const sentence = "the quick brown fox jumps over the lazy dog\n";
const repetitions = 2_000;
const text = sentence.repeat(repetitions);
const counts = ["brown", "dog", "fox", "jumps", "lazy", "over", "quick"].map((word) => `${word}\t${repetitions}`);
const wordCounts = [...counts, `the\t${2 * repetitions}`].toSorted();

/** Eight maps and three reduces that take long enough to be disturbed. */
const slowly = { nReducers: 3, splitSize: Math.ceil(text.length / 8) };

/** Complete jobs, on any cluster. */
export const jobSuite = (connect: () => Promise<TestCluster>): void => {
  let stage: ClusterStage;
  let input: string;

  beforeAll(async () => {
    stage = await ClusterStage.start(await connect());
    input = await stage.input(text);
    await stage.script("map", "tr -s ' ' '\\n' | sed 's/$/\\t1/'");
    await stage.script("slow-map", "sleep 1; tr -s ' ' '\\n' | sed 's/$/\\t1/'");
    await stage.script("reduce", "awk -F'\\t' '{ c[$1] += $2 } END { for (w in c) print w \"\\t\" c[w] }'");
    await stage.script("wait", "sleep 300");
    await stage.script("broken", "echo 'there is no such column' >&2; exit 3");
  });
  afterAll(async () => await stage.stop());

  const wordCount = async (more: Record<string, unknown> = {}) =>
    await stage.post({ inputPath: input, mapperName: "slow-map", reducerName: "reduce", ...slowly, ...more });
  /** A job that waits indefinitely once its map is running. */
  const waiting = async (more: Record<string, unknown> = {}) => {
    const { id } = await stage.post({ inputPath: input, mapperName: "wait", nReducers: 0, ...more });
    await stage.edgefold.waitFor(id, ({ progress }) => progress.maps.running > 0);
    return id;
  };

  describe("a job", () => {
    it("completes while its pods are killed, and its tasks name their pods", async () => {
      const { id } = await wordCount();
      const killed = new Set<string>();
      while (killed.size < 3) {
        const pods = await until("the job has a running pod", async () => {
          const { status } = await stage.edgefold.job(id);
          if (status === "completed") throw new Error("the job was completed before its pods could be killed");
          const running = (await stage.cluster.pods(id)).filter(({ status: state }) => state?.phase === "Running");
          return running.some(({ metadata }) => !killed.has(metadata?.name ?? "")) ? running : undefined;
        });
        const name = pods.map(({ metadata }) => metadata?.name ?? "").find((pod) => !killed.has(pod));
        if (name === undefined) continue;
        killed.add(name);
        await stage.cluster.deletePod(name, 0);
        await sleep(500);
      }
      const job = await stage.edgefold.completed(id);
      expect(await stage.lines(job)).toEqual(wordCounts);
      const tasks = await stage.edgefold.tasks(id);
      expect(tasks).toHaveLength(8 + 3);
      for (const { podName } of tasks) expect(podName).toMatch(new RegExp(`^edgefold-${id}-`));
      await stage.gone(id);
    });

    it("reads and writes with the credentials of a Secret", async () => {
      await stage.cluster.secret("edgefold-test-storage", { ...stage.edgefold.keys });
      const secret = { secretName: "edgefold-test-storage" };
      const { id } = await wordCount({
        mapperName: "map",
        inputStorageCredentials: secret,
        outputStorageCredentials: secret,
      });
      expect(await stage.lines(await stage.edgefold.completed(id))).toEqual(wordCounts);
      await stage.gone(id);
    });

    it("gives its programs variables from a Secret, which appear nowhere else", async () => {
      const values = { key: "the value of a key", options: "--no-option-of-node" };
      await stage.cluster.secret("edgefold-test-service", values);
      await stage.script(
        "tell",
        `cat > /dev/null; echo "$API_KEY"; echo "$NODE_OPTIONS"; env | grep EDGEFOLD_SECRET || echo none`,
      );
      const { id } = await stage.post({
        inputPath: input,
        mapperName: "tell",
        nReducers: 0,
        environment: { GREETING: "hello" },
        // Must not affect the runner itself.
        secretEnvironment: {
          API_KEY: { secretName: "edgefold-test-service", key: "key" },
          NODE_OPTIONS: { secretName: "edgefold-test-service", key: "options" },
        },
      });
      await stage.edgefold.waitFor(id, ({ progress }) => progress.maps.total > 0);
      const pods = JSON.stringify(await stage.cluster.pods(id));
      const job = await stage.edgefold.completed(id);
      expect(await stage.lines(job)).toEqual([values.options, "none", values.key].toSorted());
      for (const shown of [pods, JSON.stringify(job)]) {
        for (const value of Object.values(values)) expect(shown).not.toContain(value);
      }
      await stage.gone(id);
    });

    it("fails with what its program wrote, and leaves nothing behind", async () => {
      const { id } = await wordCount({ mapperName: "broken" });
      const { status, error } = await stage.edgefold.ended(id);
      expect(status).toBe("failed");
      expect(error?.message).toContain("exited with code 3: there is no such column");
      await stage.gone(id);
    });

    it("has no pods while it is held, and gets new ones when it is resumed", async () => {
      const { id } = await wordCount({
        mapperName: "map",
        reducerName: "broken",
        maxAttempts: 1,
        keepFailedSeconds: 600,
        // Second attempts of slow maps are no repetition.
        speculation: false,
      });
      expect(await stage.edgefold.ended(id)).toMatchObject({ status: "failed", heldUntil: expect.any(Number) });
      const before = await until("its pods are gone", async () => {
        const pods = await stage.cluster.pods(id);
        return pods.some(({ status }) => status?.phase === "Running" || status?.phase === "Pending") ? undefined : pods;
      });
      const changes = { reducerName: "reduce", labels: { "example.com/team": "b" } };
      await stage.edgefold.resume(id, changes);
      expect(await stage.lines(await stage.edgefold.completed(id))).toEqual(wordCounts);
      const maps = (await stage.edgefold.tasks(id)).filter(({ type }) => type === "mapper");
      const first = before.map(({ metadata }) => metadata?.name);
      for (const { attempt, podName } of maps) {
        expect(attempt).toBe(1);
        expect(first).toContain(podName);
      }
      await stage.gone(id);
    });

    it.each(["map", "reduce"] as const)("has a %s that fails on this machine as it did in its pod", async (kind) => {
      const programs = kind === "map" ? { mapperName: "broken" } : { mapperName: "map", reducerName: "broken" };
      const { id } = await wordCount({ ...programs, maxAttempts: 1, keepFailedSeconds: 600 });
      const { error } = await stage.edgefold.ended(id);
      const folder = mkdtempSync(join(tmpdir(), "edgefold-debug-"));
      const { username, password } = stage.edgefold.keys;
      const env = {
        EDGEFOLD_SERVER: stage.edgefold.url,
        XDG_CONFIG_HOME: folder,
        AWS_ACCESS_KEY_ID: username,
        AWS_SECRET_ACCESS_KEY: password,
      };
      const task = error?.taskId?.slice(id.length + 1) ?? "";
      const ended = await runCommand(["debug", id, task, "--folder", "task"], { cwd: folder, env });
      expect(task).toMatch(kind === "map" ? /^m-\d$/ : /^r-\d$/);
      expect([ended.code, ended.err]).toEqual([1, expect.stringContaining("there is no such column")]);
      expect(ended.err).toContain(
        `${task} has failed: ${kind === "map" ? "mapper" : "reducer"} broken exited with code 3`,
      );
      const read = readFileSync(join(folder, "task/input"), "utf8");
      if (kind === "map") expect(text).toContain(read);
      else expect(read).toMatch(/^(\w+\t1\n)+$/);
      expect(read.length).toBeGreaterThan(sentence.length);
      rmSync(folder, { recursive: true });
      await stage.edgefold.stopJob(id);
      await stage.gone(id);
    });

    it("that is stopped leaves nothing behind", async () => {
      const id = await waiting();
      await stage.end(id);
      expect((await stage.edgefold.job(id)).status).toBe("stopped");
      await stage.gone(id);
    });

    it("that misses its deadline fails, and leaves nothing behind", async () => {
      const id = await waiting({ deadlineSeconds: 15 });
      const { status, error } = await stage.edgefold.ended(id);
      expect({ status, code: error?.code }).toEqual({ status: "failed", code: "DeadlineExceeded" });
      await stage.gone(id);
    });

    it("continues when the agent restarts, and is removed if it ended in between", async () => {
      const [ending, going] = [await waiting({ parallelism: 1 }), (await wordCount({ parallelism: 2 })).id];
      await stage.edgefold.waitFor(going, ({ progress }) => progress.maps.completed > 0);
      await stage.edgefold.agent?.stop();
      await stage.end(ending);
      await stage.startAgent();
      expect(await stage.lines(await stage.edgefold.completed(going))).toEqual(wordCounts);
      await stage.gone(ending);
      await stage.gone(going);
    });
  });

  describe("a job that cannot start says why:", () => {
    it("an image that does not exist, with which it fails when its start timeout expires", async () => {
      const { id } = await stage.post({
        inputPath: input,
        mapperName: "map",
        nReducers: 0,
        image: "registry.invalid/missing:1",
        startTimeoutSeconds: 20,
      });
      expect(await stage.condition(id, "ImagePullBackOff")).toContain("registry.invalid/missing:1");
      const { status, error } = await stage.edgefold.ended(id);
      expect({ status, code: error?.code }).toEqual({ status: "failed", code: "ImagePullBackOff" });
      expect(error?.message).toContain("registry.invalid/missing:1");
      await stage.gone(id);
    });

    it("an image or a service account that the cluster does not allow", async () => {
      for (const [choice, variable] of [
        [{ image: "registry.example.com/other:1" }, "ALLOWED_IMAGES"],
        [{ serviceAccountName: "someone" }, "ALLOWED_SERVICE_ACCOUNTS"],
      ] as const) {
        const { id } = await wordCount(choice);
        const { error } = await stage.edgefold.ended(id);
        expect(error?.code).toBe("NotAllowed");
        expect(error?.message).toContain(variable);
        await stage.gone(id);
      }
    });

    it("no matching node", async () => {
      const { id } = await wordCount({ nodeSelector: { "example.com/no-such-node": "true" } });
      expect(await stage.condition(id, "Unschedulable")).toMatch(/finds no node: 0\/\d+ nodes are available/);
      await stage.end(id);
      await stage.gone(id);
    });

    it("a quota", async () => {
      await stage.cluster.quota(0);
      try {
        const { id } = await wordCount();
        expect(await stage.condition(id, "QuotaExceeded")).toContain("exceeded quota");
        await stage.cluster.quota(undefined);
        expect(await stage.lines(await stage.edgefold.completed(id, 180_000))).toEqual(wordCounts);
        expect((await stage.edgefold.job(id)).conditions).toEqual([]);
        await stage.gone(id);
      } finally {
        await stage.cluster.quota(undefined);
      }
    });

    it("a Secret that does not exist, or lacks the key", async () => {
      await stage.cluster.secret("edgefold-test-empty", {});
      for (const [choice, message] of [
        [{ inputStorageCredentials: { secretName: "edgefold-test-none" } }, /edgefold-test-none/],
        [{ secretEnvironment: { KEY: { secretName: "edgefold-test-none", key: "k" } } }, /edgefold-test-none/],
        [{ secretEnvironment: { KEY: { secretName: "edgefold-test-empty", key: "k" } } }, /key k.*edgefold-test-empty/],
      ] as const) {
        const { id } = await wordCount(choice);
        expect(await stage.condition(id, "SecretMissing")).toMatch(message);
        await stage.end(id);
        await stage.gone(id);
      }
    });
  });

  it("gets more pods while there is more to do, and leaves none afterwards", async () => {
    const { id } = await wordCount();
    await until("three pods are wanted", async () => {
      const [parallelism] = await stage.cluster.parallelism(id);
      return parallelism === 3 ? true : undefined;
    });
    await stage.edgefold.completed(id);
    await stage.gone(id);
  });
};

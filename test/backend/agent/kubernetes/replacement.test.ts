import { performance } from "node:perf_hooks";
import { expect, it } from "vitest";
import { until } from "../../../helpers/until.ts";
import { brokenImage, LauncherScene } from "./scene.ts";
import type { Pod } from "../../../helpers/kubernetes/object-schemas.ts";

/* Pods that end, and their replacements, where Kubernetes itself would wait as long as a real cluster does. */

/** As in Kubernetes: longer than any of these tests. */
const cluster = { replacementDelayMs: 60_000 };

const only = ([pod]: readonly Pod[]): Pod => {
  if (pod === undefined) throw new Error("there is no pod");
  return pod;
};

const two = ([first, second]: readonly Pod[]): [Pod, Pod] => {
  if (first === undefined || second === undefined) throw new Error("there are not two pods");
  return [first, second];
};

it.each<[string, (scene: LauncherScene, pod: Pod) => Promise<void>]>([
  ["is killed", async (scene, pod) => scene.cluster.kill(pod)],
  ["is out of memory", async (scene, pod) => scene.cluster.oomKill(pod)],
  ["is evicted", async (scene, pod) => scene.cluster.evict(pod, "The node was low on resource: memory.")],
  ["is deleted", async (scene, pod) => scene.delete(pod)],
])("a pod that %s is replaced by the next generation, and the others stay", async (_, end) => {
  const scene = await LauncherScene.start({ cluster });
  scene.want("a", 2);
  const [first, other] = two(await scene.running("a", 2));
  await end(scene, first);
  const after = await scene.running("a", 2, [first]);
  expect(after.map(({ metadata }) => metadata.name)).toContain(other.metadata.name);
  expect(scene.jobs("a")).toEqual([
    ["edgefold-a", 1],
    ["edgefold-a-g2", 1],
  ]);
});

it("one pod after another is replaced, and the last few generations without pods are kept", async () => {
  const scene = await LauncherScene.start({
    cluster,
    times: { restart: { settleMs: 0, firstWaitMs: 0, longestWaitMs: 0 } },
  });
  scene.want("a", 1);
  const before: Pod[] = [];
  for (let death = 1; death <= 6; death++) {
    const pod = only(await scene.running("a", 1, before));
    before.push(pod);
    await scene.cluster.kill(pod);
  }
  await scene.running("a", 1, before);
  await until("the removal of the first generations", () => (scene.jobs("a").length === 4 ? true : undefined));
  expect(scene.jobs("a")).toEqual([
    ["edgefold-a-g4", 0],
    ["edgefold-a-g5", 0],
    ["edgefold-a-g6", 0],
    ["edgefold-a-g7", 1],
  ]);
  await scene.remove("a");
  expect(scene.cluster.objects().filter(({ namespace }) => namespace === "edgefold-jobs")).toEqual([]);
});

it("additional runners are started by the generation without losses; surplus runners end when they have no task", async () => {
  const scene = await LauncherScene.start({ cluster, times: { surplusMs: 200 } });
  scene.want("a", 2);
  const [first] = two(await scene.running("a", 2));
  await scene.cluster.kill(first);
  await scene.running("a", 2, [first]);
  scene.want("a", 4);
  await scene.running("a", 4, [first]);
  expect(scene.jobs("a")).toEqual([
    ["edgefold-a", 1],
    ["edgefold-a-g2", 3],
  ]);
  scene.want("a", 1);
  await scene.running("a", 1, [first]);
  // Surplus pods that end are not failures.
  scene.want("a", 3);
  await scene.running("a", 3, [first]);
  expect(scene.jobs("a").map(([name]) => name)).toEqual(["edgefold-a", "edgefold-a-g2"]);
});

it("runners that end as soon as they start are started one at a time, with growing pauses, and the job says why", async () => {
  const restart = { settleMs: 5_000, firstWaitMs: 300, longestWaitMs: 1_200 };
  const scene = await LauncherScene.start({ cluster, times: { restart } });
  scene.want("a", 3, { image: brokenImage });
  const message = await scene.condition("a", "RunnersCannotStart");
  expect(message).toMatch(/The job has no runner; .*ended with exit code 1: [^]*this image is broken/);
  const begun = performance.now();
  const failed = scene.exits.length;
  // After three together: one, and another after twice the pause.
  await until("two more tries", () => (scene.exits.length >= failed + 2 ? true : undefined));
  expect(performance.now() - begun).toBeGreaterThan(restart.firstWaitMs);
  expect(scene.pods("a").filter(({ status }) => status.phase !== "Failed").length).toBeLessThanOrEqual(1);
});

it("a restarted agent finds all generations and continues", async () => {
  const scene = await LauncherScene.start({ cluster });
  scene.want("a", 2);
  const [first] = two(await scene.running("a", 2));
  await scene.cluster.kill(first);
  const pods = await scene.running("a", 2, [first]);
  const next = await scene.restart();
  next.want("a", 3);
  const after = await next.running("a", 3, [first]);
  expect(after.map(({ metadata }) => metadata.name)).toEqual(
    expect.arrayContaining(pods.map(({ metadata }) => metadata.name)),
  );
  expect(next.jobs("a")).toEqual([
    ["edgefold-a", 1],
    ["edgefold-a-g2", 2],
  ]);
});

it("in a queue, which admits a Job as a whole, the next generation starts when no pod is left", async () => {
  const scene = await LauncherScene.start({ cluster });
  scene.want("a", 2, { queueName: "q", parallelism: 2 });
  const pods = await scene.running("a", 2);
  for (const pod of pods) await scene.cluster.kill(pod);
  await scene.running("a", 2, pods);
  await until("the removal of the first generation", () => (scene.jobs("a").length === 1 ? true : undefined));
  expect(scene.jobs("a")).toEqual([["edgefold-a-g2", 2]]);
});

const isReady = (scene: LauncherScene, { metadata: { name } }: Pod): boolean =>
  scene
    .pods("a")
    .find(({ metadata }) => metadata.name === name)
    ?.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

it("a silent node is reported with its pods, and other pods replace them while they still exist", async () => {
  const scene = await LauncherScene.start({ cluster });
  scene.want("a", 2);
  const [lost] = two(await scene.running("a", 2));
  await until("the readiness of its pod", () => (isReady(scene, lost) ? true : undefined));
  await scene.cluster.silenceNode(lost);
  const message = await scene.condition("a", "NodeNotReady");
  expect(message).toContain(
    `The node node-1 does not answer. Its pods are lost unless it does again: ${lost.metadata.name}.`,
  );
  await scene.running("a", 2, [lost]);
  expect(scene.pods("a")).toHaveLength(3);
  await scene.cluster.hearNode(lost);
  await scene.conditionsAre("a");
});

it("a job that is resumed with different pods gets them in the next generation, even if it was refused before", async () => {
  const scene = await LauncherScene.start({ cluster, times: { surplusMs: 0 } });
  scene.want("a", 1);
  const first = only(await scene.running("a", 1));
  scene.want("a", 0);
  await scene.running("a", 0);
  scene.want("a", 1, { image: "registry.example.com/other:test" });
  await until("the refusal", () => (scene.failures.length > 0 ? true : undefined));
  // The agent need not have heard that the job wanted none in between.
  scene.want("a", 1, { labels: { team: "b" } }, 1);
  const next = only(await scene.running("a", 1, [first]));
  expect(next.metadata.labels).toMatchObject({ team: "b" });
  expect(scene.jobs("a")).toEqual([
    ["edgefold-a", 0],
    ["edgefold-a-g2", 1],
  ]);
});

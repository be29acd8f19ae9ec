import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { until, untilNone } from "../../helpers/until.ts";
import {
  isUp,
  jobThat,
  loop,
  mergePatch,
  namespace,
  refusal,
  shellJob,
  startScene,
  trueConditions,
  type Scene,
} from "./scene.ts";

const create = async ({ batch }: Scene, ...job: Parameters<typeof shellJob>): Promise<string> =>
  (await batch.createNamespacedJob({ namespace, body: shellJob(...job) })).metadata?.uid ?? "";

const scale = async ({ batch }: Scene, name: string, spec: object): Promise<void> => {
  await batch.patchNamespacedJob({ namespace, name, body: { spec } }, mergePatch);
};

const remove = async ({ batch }: Scene, name: string, propagationPolicy: string): Promise<void> => {
  await batch.deleteNamespacedJob({ namespace, name, propagationPolicy });
};

const finished = (status: object): boolean => trueConditions(status).some((one) => /^(Complete|Failed)/.test(one));

const jobEvents = async ({ core }: Scene): Promise<string[]> =>
  (await core.listNamespacedEvent({ namespace, fieldSelector: "involvedObject.kind=Job" })).items.map(
    ({ type, reason, message, count }) =>
      `${type} ${reason} ${count}: ${(message ?? "").replace(/-[a-z0-9]{5}(?=$|")/, "-*")}`,
  );

test("A Job recognizes its pods, and is complete when one has succeeded and all have ended", async () => {
  const scene = await startScene();
  const uid = await create(scene, "one", "sleep 0.2", { parallelism: 2 });
  const status = await jobThat(scene, "one", "has finished", finished);
  expect(status).toMatchObject({ succeeded: 2, ready: 0, terminating: 0 });
  expect(status.active).toBeUndefined();
  expect(status.completionTime).toBeInstanceOf(Date);
  expect(trueConditions(status)).toEqual(["SuccessCriteriaMet:CompletionsReached", "Complete:CompletionsReached"]);
  const [pod, ...others] = scene.cluster.pods(`batch.kubernetes.io/controller-uid=${uid}`);
  expect(others).toHaveLength(1);
  expect(pod?.metadata).toMatchObject({
    generateName: "one-",
    labels: { app: "test", "batch.kubernetes.io/job-name": "one", "job-name": "one", "controller-uid": uid },
    ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: "one", uid, controller: true }],
  });
  await until("the release of the pods", () =>
    pod !== undefined && scene.cluster.pods().every(({ metadata }) => metadata.finalizers === undefined)
      ? true
      : undefined,
  );
  expect((await jobEvents(scene)).sort()).toEqual([
    "Normal Completed 1: Job completed",
    "Normal SuccessfulCreate 1: Created pod: one-*",
    "Normal SuccessfulCreate 1: Created pod: one-*",
  ]);
});

test("Failed pods are replaced until one has succeeded", async () => {
  const scene = await startScene({ replacementDelayMs: 50 });
  const marks = mkdtempSync(join(tmpdir(), "edgefold-marks-"));
  onTestFinished(() => rmSync(marks, { recursive: true }));
  await create(scene, "one", `for mark in 1 2 3; do mkdir ${marks}/$mark && exit 7; done; exit 0`);
  const { failed, succeeded } = await jobThat(scene, "one", "has finished", finished);
  expect([failed, succeeded]).toEqual([3, 1]);
  expect(scene.cluster.pods("job-name=one").map(({ status }) => status.phase)).toEqual([
    "Failed",
    "Failed",
    "Failed",
    "Succeeded",
  ]);
});

test("Once a pod has succeeded, no more pods are created", async () => {
  const scene = await startScene();
  await create(scene, "one", loop, { parallelism: 2, podReplacementPolicy: "Failed" });
  await jobThat(scene, "one", "runs", ({ ready }) => ready === 2);
  const [first, second] = scene.cluster.pods();
  if (first === undefined || second === undefined) throw new Error("there are not two pods");
  // It ends with 0 when told to end.
  await isUp(scene, first.metadata.name);
  await scene.core.deleteNamespacedPod({ namespace, name: first.metadata.name });
  await jobThat(scene, "one", "has a success", ({ succeeded }) => succeeded === 1);
  await scale(scene, "one", { parallelism: 3 });
  await scene.cluster.kill(second);
  const status = await jobThat(scene, "one", "has finished", finished);
  expect(status).toMatchObject({ succeeded: 1, failed: 1 });
  expect(trueConditions(status)).toContain("Complete:CompletionsReached");
});

test("Parallelism goes up and down; removed pods are not counted", async () => {
  const scene = await startScene();
  await create(scene, "one", loop, { parallelism: 1 });
  await jobThat(scene, "one", "runs", ({ ready }) => ready === 1);
  const [oldest] = scene.cluster.pods();
  await scale(scene, "one", { parallelism: 3 });
  await jobThat(scene, "one", "runs thrice", ({ ready }) => ready === 3);
  scene.cluster.setUnschedulable("none");
  await scale(scene, "one", { parallelism: 4 });
  await jobThat(scene, "one", "has four pods", ({ active, ready }) => active === 4 && ready === 3);
  await scale(scene, "one", { parallelism: 3 });
  await until("the removal of the pod without a node", () => (scene.cluster.pods().length === 3 ? true : undefined));
  expect(scene.cluster.pods().every(({ spec }) => spec.nodeName === "node-1")).toBe(true);
  await scale(scene, "one", { parallelism: 1 });
  const status = await jobThat(
    scene,
    "one",
    "runs once",
    ({ active, terminating }) => active === 1 && terminating === 0,
  );
  expect([status.failed, status.succeeded]).toEqual([undefined, undefined]);
  expect(scene.cluster.pods().map(({ metadata }) => metadata.name)).toEqual([oldest?.metadata.name]);
  await scale(scene, "one", { suspend: true });
  const suspended = await jobThat(
    scene,
    "one",
    "is suspended",
    ({ active, terminating }) => active === undefined && terminating === 0,
  );
  expect(trueConditions(suspended)).toEqual(["Suspended:JobSuspended"]);
  expect(suspended.startTime).toBeUndefined();
  scene.cluster.setUnschedulable();
  await scale(scene, "one", { suspend: false });
  await jobThat(scene, "one", "runs again", ({ ready }) => ready === 1);
});

test("A failure can be ignored, counted, or fail the Job", async () => {
  const scene = await startScene();
  const policy = {
    podFailurePolicy: {
      rules: [
        { action: "FailJob", onExitCodes: { containerName: "main", operator: "In", values: [42] } },
        { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      ],
    },
  };
  await create(scene, "one", loop, { parallelism: 2, backoffLimit: 1, ...policy });
  await jobThat(scene, "one", "runs", ({ ready }) => ready === 2);
  const [first] = scene.cluster.pods();
  if (first === undefined) throw new Error("there is no pod");
  for (const _ of [1, 2, 3]) {
    const pod = scene.cluster.pods().find(({ status }) => status.phase === "Running");
    if (pod !== undefined) await scene.cluster.evict(pod, "needed");
    await jobThat(scene, "one", "runs again", ({ ready }) => ready === 2);
  }
  const ignored = await jobThat(scene, "one", "runs", ({ ready }) => ready === 2);
  expect(ignored.failed).toBeUndefined();
  for (const pod of scene.cluster.pods().filter(({ status }) => status.phase === "Running"))
    await scene.cluster.kill(pod);
  const limited = await jobThat(scene, "one", "has finished", finished);
  expect(trueConditions(limited)).toEqual(["FailureTarget:BackoffLimitExceeded", "Failed:BackoffLimitExceeded"]);

  await create(scene, "two", "exit 42", { parallelism: 1, ...policy });
  const failed = await jobThat(scene, "two", "has finished", finished);
  expect(failed.conditions?.at(-1)?.message).toMatch(
    /^Container main for pod jobs\/two-\w+ failed with exit code 42 matching FailJob rule at index 0$/,
  );
  expect(await jobEvents(scene)).toContain(`Warning PodFailurePolicy 1: ${failed.conditions?.at(-1)?.message}`);
});

test("A Job can miss its deadline, and is removed some time after its end", async () => {
  const scene = await startScene();
  await create(scene, "one", loop, { activeDeadlineSeconds: 2, ttlSecondsAfterFinished: 1 });
  const target = await jobThat(scene, "one", "is late", (status) => trueConditions(status).length > 0);
  expect(trueConditions(target)[0]).toBe("FailureTarget:DeadlineExceeded");
  const failed = await jobThat(scene, "one", "has failed", finished);
  expect(failed).toMatchObject({ failed: 1 });
  expect(trueConditions(failed)).toEqual(["FailureTarget:DeadlineExceeded", "Failed:DeadlineExceeded"]);
  await untilNone("objects", () => scene.cluster.objects());
});

test("A Job's dependents are removed with it", async () => {
  const scene = await startScene();
  for (const policy of ["Background", "Foreground"]) {
    const uid = await create(scene, "one", loop, { parallelism: 2 });
    const ownerReferences = [{ apiVersion: "batch/v1", kind: "Job", name: "one", uid }];
    await scene.core.createNamespacedSecret({ namespace, body: { metadata: { name: "token", ownerReferences } } });
    await jobThat(scene, "one", "runs", ({ ready }) => ready === 2);
    await remove(scene, "one", policy);
    expect((await refusal(scene.batch.readNamespacedJob({ namespace, name: "one" }))).slice(0, 3)).toBe(
      policy === "Background" ? "404" : "not",
    );
    await untilNone("objects", () => scene.cluster.objects());
  }
  const stranger = [{ apiVersion: "batch/v1", kind: "Job", name: "one", uid: "gone" }];
  await scene.core.createNamespacedSecret({
    namespace,
    body: { metadata: { name: "token", ownerReferences: stranger } },
  });
  await untilNone("objects without an owner", () => scene.cluster.objects());
  await create(scene, "kept", loop);
  await jobThat(scene, "kept", "runs", ({ ready }) => ready === 1);
  await scene.batch.deleteNamespacedJob({ namespace, name: "kept" });
  await sleep(300);
  const [orphan] = scene.cluster.pods();
  expect(orphan?.metadata.ownerReferences).toBeUndefined();
  expect(orphan?.status.phase).toBe("Running");
});

test("A quota and a namespace's restrictions prevent the creation of pods", async () => {
  const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };
  const scene = await startScene({
    documents: [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "safe", labels: restricted } }],
  });
  scene.cluster.setQuota(2);
  await create(scene, "one", loop, { parallelism: 3 });
  await jobThat(scene, "one", "runs", ({ ready }) => ready === 2);
  const events = await until("the refusal", async () => {
    const found = (await jobEvents(scene)).filter((event) => event.includes("FailedCreate"));
    return found.length > 0 ? found : undefined;
  });
  expect(events[0]).toBe(
    'Warning FailedCreate 1: Error creating: pods "one-*" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2',
  );
  scene.cluster.setQuota(undefined);
  await jobThat(scene, "one", "runs", ({ ready }) => ready === 3);

  const job = { ...shellJob("two", loop), metadata: { name: "two" } };
  await scene.batch.createNamespacedJob({ namespace: "safe", body: job });
  const message = await until("the refusal", async () => {
    const { items } = await scene.core.listNamespacedEvent({ namespace: "safe" });
    return items.find(({ reason }) => reason === "FailedCreate")?.message;
  });
  expect(message).toMatch(
    /^Error creating: pods "two-\w+" is forbidden: violates PodSecurity "restricted:latest": allow/,
  );
});

test("A Job waits for the pod of a lost node until its finalizer is removed", async () => {
  const scene = await startScene();
  const policy = { podReplacementPolicy: "Failed" };
  await create(scene, "one", loop, { parallelism: 1, ...policy });
  await jobThat(scene, "one", "runs", ({ ready }) => ready === 1);
  const [lost] = scene.cluster.pods();
  if (lost === undefined) throw new Error("there is no pod");
  const { name } = lost.metadata;
  await scene.cluster.loseNode(lost);
  await jobThat(scene, "one", "knows of it", ({ terminating }) => terminating === 1);
  await scene.core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 });
  await sleep(500);
  expect((await jobThat(scene, "one", "still waits", () => true)).terminating).toBe(1);
  expect(scene.cluster.pods().map(({ metadata }) => metadata.name)).toEqual([name]);
  await scene.core.patchNamespacedPod({ namespace, name, body: { metadata: { finalizers: null } } }, mergePatch);
  const replaced = await jobThat(scene, "one", "runs", ({ ready }) => ready === 1);
  expect(replaced.failed).toBeUndefined();
  const [second] = scene.cluster.pods();
  if (second === undefined) throw new Error("there is no pod");
  await scene.cluster.loseNode(second);
  const body = { status: { phase: "Failed" } };
  await scene.core.patchNamespacedPodStatus({ namespace, name: second.metadata.name, body }, mergePatch);
  await jobThat(scene, "one", "has replaced it", ({ ready, failed }) => ready === 1 && failed === 1);
  await scene.core.deleteNamespacedPod({ namespace, name: second.metadata.name, gracePeriodSeconds: 0 });
  expect(scene.cluster.pods()).toHaveLength(1);
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../../helpers/until.ts";
import {
  isUp,
  loop,
  mergePatch,
  namespace,
  podThat,
  refusal,
  shellPod,
  startScene,
  trueConditions,
  type Scene,
} from "./scene.ts";

const run = async (scene: Scene, body: V1Pod): Promise<void> => {
  await scene.core.createNamespacedPod({ namespace, body });
};

const ended = async (scene: Scene, name: string): Promise<V1Pod> =>
  podThat(scene, name, "has ended", ({ status }) => ["Succeeded", "Failed"].includes(status?.phase ?? ""));

const running = async (scene: Scene, name: string): Promise<V1Pod> =>
  podThat(scene, name, "runs", ({ status }) => status?.phase === "Running");

const stateOf = ({ status }: V1Pod) => status?.containerStatuses?.[0]?.state;

const eventsOf = async ({ core }: Scene, name: string): Promise<string[]> =>
  (await core.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.name=${name}` })).items.map(
    ({ type, reason, message }) => `${type} ${reason}: ${message}`,
  );

test("A pod runs a command as a process, and reports how it ended", async () => {
  const scene = await startScene();
  await run(scene, shellPod("good", "echo out; echo err >&2; env | sort; pwd"));
  const good = await ended(scene, "good");
  expect(good.status).toMatchObject({ phase: "Succeeded", qosClass: "BestEffort", hostIP: "127.0.0.1" });
  expect(good.spec?.nodeName).toBe("node-1");
  expect(stateOf(good)?.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
  expect(stateOf(good)?.terminated?.message).toBeUndefined();
  expect(trueConditions(good.status ?? {}).sort()).toEqual(["Initialized", "PodScheduled"]);
  const lines = scene.cluster.logs("good").trimEnd().split("\n");
  expect(lines).toContain("err");
  expect(lines.filter((line) => !/^(PATH|PWD|OLDPWD|SHLVL|_)=/.test(line)).sort()).toEqual(
    ["/", "FROM_IMAGE=yes", "HOSTNAME=good", "err", "out"].sort(),
  );
  const fallback = { terminationMessagePolicy: "FallbackToLogsOnError" };
  await run(scene, shellPod("bad", "yes line | head -n 100; echo last >&2; exit 3", fallback));
  const { terminated } = stateOf(await ended(scene, "bad")) ?? {};
  expect(terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  expect(terminated?.message?.split("\n")).toHaveLength(81);
  expect(terminated?.message).toMatch(/^line\n[^]*last\n$/);
  await run(scene, shellPod("said", "echo so > /dev/termination-log; echo not so; exit 4", fallback));
  expect(stateOf(await ended(scene, "said"))?.terminated?.message).toBe("so\n");
  await run(scene, shellPod("none", "", { command: ["/nowhere/nothing"] }));
  expect(stateOf(await ended(scene, "none"))?.terminated).toMatchObject({ exitCode: 128, reason: "StartError" });
});

test("An image is a directory on this machine", async () => {
  const root = mkdtempSync(join(tmpdir(), "edgefold-image-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "main.mjs"), "console.log(process.argv[2], process.cwd(), process.execPath)");
  const scene = await startScene({ images: { "edgefold:1": { root, command: ["node", "/app/main.mjs"] } } });
  const containers = [{ name: "main", image: "edgefold:1", args: ["--at=/app/x"] }];
  await run(scene, { metadata: { name: "one" }, spec: { restartPolicy: "Never", containers } });
  expect((await ended(scene, "one")).status?.phase).toBe("Succeeded");
  expect(scene.cluster.logs("one")).toBe(`--at=${root}/x ${root} ${process.execPath}\n`);
});

test("Volumes and variables", async () => {
  const scene = await startScene();
  await scene.core.createNamespacedSecret({
    namespace,
    body: { metadata: { name: "secret" }, stringData: { token: "s3cret", other: "x" } },
  });
  await scene.core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "settings" }, data: { "a.conf": "setting" } },
  });
  const container = {
    args: [],
    command: [
      "/bin/sh",
      "-c",
      "cat /etc/token/token /projected/deep/name; echo; cat /config/a.conf; ls /etc/token; echo $FILE $(A) $B $C $D $E $F; pwd; echo $(A) > /work/x; cat x",
    ],
    workingDir: "/work",
    resources: { limits: { memory: "64Mi" } },
    env: [
      { name: "A", value: "a" },
      { name: "FILE", value: "file:///work/$(A)" },
      { name: "B", valueFrom: { secretKeyRef: { name: "secret", key: "token" } } },
      { name: "C", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: "D", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } },
      { name: "E", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "F", valueFrom: { configMapKeyRef: { name: "none", key: "none", optional: true } } },
    ],
    volumeMounts: [
      { name: "work", mountPath: "/work" },
      { name: "secret", mountPath: "/etc/token", readOnly: true },
      { name: "config", mountPath: "/config" },
      { name: "projected", mountPath: "/projected" },
    ],
  };
  const volumes = [
    { name: "work", emptyDir: { sizeLimit: "1Gi" } },
    { name: "secret", secret: { secretName: "secret", items: [{ key: "token", path: "token" }] } },
    { name: "config", configMap: { name: "settings" } },
    {
      name: "projected",
      projected: {
        sources: [
          { downwardAPI: { items: [{ path: "deep/name", fieldRef: { fieldPath: "metadata.name" } }] } },
          { serviceAccountToken: { path: "token" } },
        ],
      },
    },
  ];
  const pod = shellPod("one", "", container, { volumes });
  pod.metadata.labels = { app: "label" };
  await run(scene, pod);
  const { status } = await ended(scene, "one");
  expect([status?.phase, status?.qosClass]).toEqual(["Succeeded", "Burstable"]);
  const [first, second, ...rest] = scene.cluster.logs("one").trimEnd().split("\n");
  expect([first, second]).toEqual(["s3cretone", "settingtoken"]);
  expect(rest[0]).toMatch(/^file:\/\/\/tmp\/.*\/work\/a a s3cret label 67108864 127\.244\.0\.\d+$/);
  expect(rest[1]).toMatch(/\/work$/);
  expect(rest[2]).toBe("a");
});

test("A pod waits for missing objects", async () => {
  const scene = await startScene();
  const { core } = scene;
  const reason = (pod: V1Pod): string | undefined => stateOf(pod)?.waiting?.reason;
  const env = [{ name: "A", valueFrom: { secretKeyRef: { name: "late", key: "a" } } }];
  await run(scene, shellPod("env", "echo $A", { env }));
  const unset = await podThat(scene, "env", "cannot start", (pod) => reason(pod) === "CreateContainerConfigError");
  expect(stateOf(unset)?.waiting?.message).toBe('secret "late" not found');
  const volumeMounts = [{ name: "s", mountPath: "/s" }];
  const volumes = [{ name: "s", secret: { secretName: "late" } }];
  await run(scene, shellPod("volume", "cat /s/a", { volumeMounts }, { volumes }));
  const mount = 'Warning FailedMount: MountVolume.SetUp failed for volume "s" : secret "late" not found';
  await until("the event", async () => ((await eventsOf(scene, "volume")).includes(mount) ? true : undefined), 5000);
  expect(reason(await core.readNamespacedPod({ namespace, name: "volume" }))).toBe("ContainerCreating");
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: "late" }, stringData: { a: "now" } } });
  for (const name of ["env", "volume"]) {
    expect((await ended(scene, name)).status?.phase).toBe("Succeeded");
    expect(scene.cluster.logs(name).trim()).toBe("now");
  }
  await run(scene, shellPod("image", "", { image: "registry.example/none:1" }));
  const failed = await podThat(scene, "image", "gets no image", (pod) => reason(pod) === "ImagePullBackOff");
  expect(stateOf(failed)?.waiting?.message).toMatch(
    /^Back-off pulling image "registry.example\/none:1": ErrImagePull: /,
  );
  expect((await eventsOf(scene, "image")).map((event) => event.replace(/:.*/, ""))).toEqual(
    expect.arrayContaining(["Normal Scheduled", "Warning Failed", "Normal BackOff"]),
  );
  await core.deleteNamespacedPod({ namespace, name: "image" });
  await until("its end", async () =>
    (await refusal(core.readNamespacedPod({ namespace, name: "image" }))).startsWith("404") ? true : undefined,
  );
});

const scheduled = (pod: V1Pod): { status?: string; reason?: string; message?: string } =>
  pod.status?.conditions?.find(({ type }) => type === "PodScheduled") ?? {};

test("A pod waits for a matching node", async () => {
  const scene = await startScene({ nodeLabels: { disk: "ssd" } });
  const { core, cluster } = scene;
  await run(scene, shellPod("other", "exit 0", {}, { nodeSelector: { disk: "tape" } }));
  expect(
    scheduled(await podThat(scene, "other", "has no node", (pod) => scheduled(pod).status === "False")),
  ).toMatchObject({
    reason: "Unschedulable",
    message: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
  });
  const message = "0/3 nodes are available: 3 Insufficient cpu.";
  cluster.setUnschedulable(message);
  await run(scene, shellPod("one", "exit 0"));
  expect(
    scheduled(await podThat(scene, "one", "has no node", (pod) => scheduled(pod).status === "False")).message,
  ).toBe(message);
  expect(await eventsOf(scene, "one")).toEqual([`Warning FailedScheduling: ${message}`]);
  await core.deleteNamespacedPod({ namespace, name: "other" });
  expect(await refusal(core.readNamespacedPod({ namespace, name: "other" }))).toMatch(/^404 /);
  cluster.setUnschedulable();
  expect((await ended(scene, "one")).status?.phase).toBe("Succeeded");
});

const ready = (pod: V1Pod): string | undefined => pod.status?.conditions?.find(({ type }) => type === "Ready")?.status;

test("Readiness follows the probe", async () => {
  const scene = await startScene();
  const container = {
    volumeMounts: [{ name: "w", mountPath: "/w" }],
    readinessProbe: { exec: { command: ["test", "-f", "/w/ready"] }, periodSeconds: 1, failureThreshold: 1 },
  };
  const script = `sleep 0.3; touch /w/ready; sleep 1.5; rm /w/ready; ${loop}`;
  await run(scene, shellPod("one", script, container, { volumes: [{ name: "w", emptyDir: {} }] }));
  expect(ready(await running(scene, "one"))).toBe("False");
  const is = await podThat(scene, "one", "is ready", (one) => ready(one) === "True");
  expect(is.status?.containerStatuses?.[0]).toMatchObject({ ready: true, started: true });
  await podThat(scene, "one", "is not ready any more", (one) => ready(one) === "False");
});

test("A deleted pod is told to end, and killed if it does not", async () => {
  const scene = await startScene();
  const { core, cluster } = scene;
  const gone = async (name: string): Promise<number> => {
    const start = Date.now();
    await until(`the end of ${name}`, () =>
      cluster.pods().some(({ metadata }) => metadata.name === name) ? undefined : true,
    );
    return Date.now() - start;
  };
  await run(scene, shellPod("polite", `trap 'echo told; exit 0' TERM; echo up; while :; do sleep 0.05; done`));
  await run(scene, shellPod("deaf", "trap '' TERM; echo up; (while :; do sleep 0.05; done)"));
  await isUp(scene, "polite");
  await isUp(scene, "deaf");
  const deleted = await core.deleteNamespacedPod({ namespace, name: "polite" });
  expect(deleted.metadata).toMatchObject({ deletionGracePeriodSeconds: 30, generation: 2 });
  await gone("polite");
  expect(cluster.logs("polite")).toBe("up\ntold\n");
  await core.deleteNamespacedPod({ namespace, name: "deaf", gracePeriodSeconds: 1 });
  expect(await gone("deaf")).toBeGreaterThan(500);
  await run(scene, shellPod("forced", loop));
  await running(scene, "forced");
  await core.deleteNamespacedPod({ namespace, name: "forced", gracePeriodSeconds: 0 });
  expect(cluster.pods()).toEqual([]);
});

test("Pods can be killed, run out of memory, and be evicted", async () => {
  const scene = await startScene();
  const { cluster } = scene;
  const die = async (name: string, how: (pod: V1Pod) => Promise<void>): Promise<V1Pod> => {
    await run(scene, shellPod(name, "setsid sh -c 'while :; do sleep 0.05; done' & while :; do sleep 0.05; done"));
    await how(await running(scene, name));
    return ended(scene, name);
  };
  const killed = await die("killed", (pod) => cluster.kill(pod));
  expect(stateOf(killed)?.terminated).toMatchObject({ exitCode: 137, reason: "Error" });
  const outOfMemory = await die("oom", (pod) => cluster.oomKill(pod));
  expect(stateOf(outOfMemory)?.terminated).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
  const evicted = await die("evicted", (pod) => cluster.evict(pod, "The node was low on resource: memory."));
  expect(evicted.status).toMatchObject({
    phase: "Failed",
    reason: "Evicted",
    message: "The node was low on resource: memory.",
  });
  expect(trueConditions(evicted.status ?? {})).toContain("DisruptionTarget:TerminationByKubelet");
});

test("The pod of a lost node stays until it is deleted by force", async () => {
  const scene = await startScene();
  const { core, cluster } = scene;
  await run(scene, shellPod("one", loop, {}, { terminationGracePeriodSeconds: 1 }));
  await cluster.loseNode(await running(scene, "one"));
  await sleep(1500);
  const lost = await core.readNamespacedPod({ namespace, name: "one" });
  expect(lost.metadata?.deletionTimestamp).toBeInstanceOf(Date);
  expect(lost.status?.phase).toBe("Running");
  expect(trueConditions(lost.status ?? {}).sort()).toEqual([
    "ContainersReady",
    "DisruptionTarget:DeletionByTaintManager",
    "Initialized",
    "PodScheduled",
  ]);
  await core.deleteNamespacedPod({ namespace, name: "one", gracePeriodSeconds: 0 });
  expect(cluster.pods()).toEqual([]);
});

test("A pod's specification cannot be changed, and its status only through its own subresource", async () => {
  const scene = await startScene();
  await run(scene, shellPod("one", loop));
  await running(scene, "one");
  const patch = async (body: object): Promise<string> =>
    refusal(scene.core.patchNamespacedPod({ namespace, name: "one", body }, mergePatch));
  expect(await patch({ spec: { terminationGracePeriodSeconds: 9 } })).toMatch(
    /^422 .*pod updates may not change fields/,
  );
  expect(await patch({ status: { phase: "Failed" } })).toBe("not refused");
  expect((await scene.core.readNamespacedPod({ namespace, name: "one" })).status?.phase).toBe("Running");
  const body = { status: { phase: "Failed" } };
  expect((await scene.core.patchNamespacedPodStatus({ namespace, name: "one", body }, mergePatch)).status?.phase).toBe(
    "Failed",
  );
});

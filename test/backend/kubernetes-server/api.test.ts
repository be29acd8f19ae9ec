import * as k8s from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { clients, mergePatch, namespace, post, refusal, shellJob, shellPod, startScene } from "./scene.ts";

const configMap = (name: string, labels: Record<string, string> = {}): k8s.V1ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data: { key: "value" },
});

test("An object is created, read, replaced, patched and deleted", async () => {
  const { core, cluster } = await startScene();
  const created = await core.createNamespacedConfigMap({ namespace, body: configMap("one") });
  expect(created.metadata).toMatchObject({ name: "one", namespace, uid: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  expect(created.metadata?.creationTimestamp?.getTime()).toBeGreaterThan(Date.now() - 10_000);
  const { metadata = {} } = created;
  const replace = async (data: Record<string, string>): Promise<k8s.V1ConfigMap> =>
    core.replaceNamespacedConfigMap({ namespace, name: "one", body: { metadata, data } });
  const replaced = await replace({ key: "other", more: "x" });
  expect(replaced.metadata?.uid).toBe(created.metadata?.uid);
  expect(replaced.metadata?.resourceVersion).not.toBe(created.metadata?.resourceVersion);
  expect(await refusal(replace({}))).toBe(
    '409 Conflict: Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again',
  );
  const merged = await core.patchNamespacedConfigMap(
    { namespace, name: "one", body: { data: { more: null, new: "y" } } },
    mergePatch,
  );
  expect(merged.data).toEqual({ key: "other", new: "y" });
  const operated = await core.patchNamespacedConfigMap({
    namespace,
    name: "one",
    body: [
      { op: "test", path: "/data/key", value: "other" },
      { op: "add", path: "/metadata/labels", value: { "a/b": "c" } },
      { op: "remove", path: "/data/new" },
    ],
  });
  expect([operated.data, operated.metadata?.labels]).toEqual([{ key: "other" }, { "a/b": "c" }]);
  const same = await core.patchNamespacedConfigMap({ namespace, name: "one", body: { data: {} } }, mergePatch);
  expect(same.metadata?.resourceVersion).toBe(operated.metadata?.resourceVersion);
  expect(cluster.objects()).toEqual([{ kind: "ConfigMap", namespace, name: "one" }]);
  const status = await core.deleteNamespacedConfigMap({ namespace, name: "one" });
  expect(status.status).toBe("Success");
  expect(await refusal(core.readNamespacedConfigMap({ namespace, name: "one" }))).toBe(
    '404 NotFound: configmaps "one" not found',
  );
  expect(cluster.objects()).toEqual([]);
});

test("What is not possible is refused in Kubernetes' words", async () => {
  const { core, batch } = await startScene();
  const job = shellJob("one", "exit 0", { parallelism: 0 });
  const created = await batch.createNamespacedJob({ namespace, body: job });
  const name = "one";
  const patch = async (body: object): Promise<string> =>
    refusal(batch.patchNamespacedJob({ namespace, name, body }, mergePatch));
  const create = async (body: k8s.V1Job): Promise<string> => refusal(batch.createNamespacedJob({ namespace, body }));
  expect(await create(job)).toBe('409 AlreadyExists: jobs.batch "one" already exists');
  expect(await patch({ spec: { completions: 9 } })).toBe(
    '422 Invalid: Job.batch "one" is invalid: spec.completions: Invalid value: 9: field is immutable',
  );
  expect(await patch({ spec: { template: { spec: { terminationGracePeriodSeconds: 9 } } } })).toMatch(
    /^422 Invalid: Job.batch "one" is invalid: spec.template: Invalid value: .*: field is immutable$/,
  );
  expect(await patch({ spec: { paralelism: 9 } })).toMatch(/^422 Invalid: .*unknown field "spec.paralelism"$/);
  expect(await patch({ metadata: { resourceVersion: "1" }, spec: { parallelism: 0 } })).toMatch(/^409 Conflict: /);
  expect(await patch({ spec: { parallelism: -1 } })).toContain("must be greater than or equal to 0");
  expect(await create({ ...job, metadata: { name: "Zz" } })).toMatch(/^422 .*metadata.name: Invalid value: "Zz"/);
  expect(await create({ ...job, metadata: { labels: { a: "b" } } })).toContain("name or generateName is required");
  expect(await create({ ...job, metadata: { name: "x", labels: { a: "b c" } } })).toContain("metadata.labels");
  expect(await create({ ...job, metadata: { name: "x".repeat(64) } })).toContain("no more than 63");
  const always = shellJob("two", "exit 0", {}, { restartPolicy: "Always" });
  expect(await create(always)).toContain('restartPolicy: Required value: valid values: "OnFailure", "Never"');
  const mounting = shellPod("x", "", { volumeMounts: [{ name: "nope", mountPath: "/x" }] });
  expect(await refusal(core.createNamespacedPod({ namespace, body: mounting }))).toBe(
    '422 Invalid: Pod "x" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "nope"',
  );
  expect(await refusal(batch.createNamespacedJob({ namespace: "nowhere", body: shellJob("x", "") }))).toMatch(/^400 /);
  const homeless = { ...shellJob("x", ""), metadata: { name: "x" } };
  expect(await refusal(batch.createNamespacedJob({ namespace: "nowhere", body: homeless }))).toBe(
    '404 NotFound: namespaces "nowhere" not found',
  );
  const precondition = batch.deleteNamespacedJob({ namespace, name, body: { preconditions: { uid: "other" } } });
  expect(await refusal(precondition)).toMatch(/^409 Conflict: .*the UID in the precondition \(other\) does not match/);
  const { metadata } = await batch.patchNamespacedJob(
    { namespace, name, body: { spec: { activeDeadlineSeconds: 99 }, metadata: { labels: { new: "x" } } } },
    mergePatch,
  );
  expect([created.metadata?.generation, metadata?.generation]).toEqual([1, 2]);
  expect(metadata?.labels).toEqual({ app: "test", new: "x" });
});

test("Unknown fields and wrong types are refused with their paths", async () => {
  const { cluster } = await startScene();
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const podSpec = { restartPolicy: "Never", containers: [{ name: "main", image: "sh" }] };
  const create = async (spec: object, pod: object = podSpec): Promise<string> => {
    const body = { metadata: { name: "one" }, spec: { template: { spec: pod }, ...spec } };
    return JSON.stringify(await post(cluster, path, body));
  };
  expect(await create({ paralelism: 1 })).toContain(
    String.raw`strict decoding error: unknown field \"spec.paralelism\"`,
  );
  expect(await create({ parallelism: "1" })).toMatch(/spec.parallelism.*"BadRequest"/);
  expect(await create({ podReplacementPolicy: "Never" })).toMatch(/spec.podReplacementPolicy.*"BadRequest"/);
  expect(await create({}, { ...podSpec, container: [] })).toContain("spec.template.spec.container");
  expect(JSON.stringify(await post(cluster, path, []))).toContain("not an object");
  expect(cluster.objects()).toEqual([]);
});

test("Lists are filtered and paged", async () => {
  const { core } = await startScene();
  for (const [name, labels] of [
    ["a", { x: "1", y: "1" }],
    ["b", { x: "2" }],
    ["c", { x: "3", y: "1" }],
    ["d", {}],
  ] as const)
    await core.createNamespacedConfigMap({ namespace, body: configMap(name, labels) });
  const names = async (labelSelector?: string, fieldSelector?: string): Promise<string> => {
    const { items } = await core.listNamespacedConfigMap({
      namespace,
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    });
    return items.map(({ metadata }) => metadata?.name).join("");
  };
  expect(await names()).toBe("abcd");
  expect(await names("x=1")).toBe("a");
  expect(await names("x!=1")).toBe("bcd");
  expect(await names("x in (1, 2)")).toBe("ab");
  expect(await names("x notin (1,2),y==1")).toBe("c");
  expect(await names("x,!y")).toBe("b");
  expect(await names(undefined, "metadata.name=c")).toBe("c");
  expect(await names(undefined, "metadata.name!=c")).toBe("abd");
  expect(await refusal(names("x y"))).toMatch(/^400 BadRequest/);
  expect(await refusal(names(undefined, "data.key=value"))).toBe("400 BadRequest: field label not supported: data.key");
  const first = await core.listNamespacedConfigMap({ namespace, limit: 3 });
  expect(first.items.map(({ metadata }) => metadata?.name)).toEqual(["a", "b", "c"]);
  expect(first.metadata).toMatchObject({ remainingItemCount: 1 });
  const second = await core.listNamespacedConfigMap({
    namespace,
    limit: 3,
    _continue: first.metadata?._continue ?? "",
  });
  expect(second.items.map(({ metadata }) => metadata?.name)).toEqual(["d"]);
  expect(second.metadata?._continue).toBeUndefined();
});

test("Secrets take text and keep Base64", async () => {
  const { core, config } = await startScene();
  const secret = await core.createNamespacedSecret({
    namespace,
    body: { metadata: { generateName: "token-" }, stringData: { a: "text" }, data: { b: "Yg==" } },
  });
  expect(secret.metadata?.name).toMatch(/^token-[a-z0-9]{5}$/);
  expect([secret.data, secret.stringData, secret.type]).toEqual([{ a: "dGV4dA==", b: "Yg==" }, undefined, "Opaque"]);
  expect(config.getCurrentUser()?.name).toBe("admin");
  const bad = core.createNamespacedSecret({ namespace, body: { metadata: { name: "x" }, data: { b: "%%" } } });
  expect(await refusal(bad)).toMatch(/^400 BadRequest: Secret in version "v1" cannot be handled as a Secret: /);
});

test("Planned faults occur the given number of times, before or after the request is carried out", async () => {
  const { core, cluster } = await startScene();
  cluster.fail("create", "configmaps", 503, 2);
  cluster.fail("list", "configmaps", 429);
  const create = async (): Promise<string> =>
    refusal(core.createNamespacedConfigMap({ namespace, body: configMap("one") }));
  expect(await create()).toMatch(/^503 ServiceUnavailable/);
  expect(await create()).toMatch(/^503 ServiceUnavailable/);
  expect(await create()).toBe("not refused");
  expect(await refusal(core.listNamespacedConfigMap({ namespace }))).toMatch(/^429 TooManyRequests/);
  cluster.fail("delete", "configmaps", "answer lost");
  await expect(core.deleteNamespacedConfigMap({ namespace, name: "one" })).rejects.toThrow(/fetch|socket|terminated/);
  expect(cluster.objects()).toEqual([]);
  expect(cluster.requests.map(({ verb, resource, name, user }) => [verb, resource, name, user])).toEqual([
    ["create", "configmaps", "", "kubernetes-admin"],
    ["create", "configmaps", "", "kubernetes-admin"],
    ["create", "configmaps", "", "kubernetes-admin"],
    ["list", "configmaps", "", "kubernetes-admin"],
    ["delete", "configmaps", "one", "kubernetes-admin"],
  ]);
});

test("A request without a valid token is unauthorized", async () => {
  const { cluster } = await startScene();
  const { config } = clients(cluster, "agent");
  const user = config.getCurrentUser();
  config.users = [{ ...(user ?? { name: "agent" }), token: "wrong" }];
  const core = config.makeApiClient(k8s.CoreV1Api);
  expect(await refusal(core.listNamespacedPod({ namespace }))).toMatch(/^401 /);
});

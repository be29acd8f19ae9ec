import * as k8s from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { clients, mergePatch, namespace, refusal, shellJob, startScene } from "./scene.ts";

const role = (rules: readonly object[]): object[] => [
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name: "agent", namespace }, rules },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "agent", namespace },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "agent" },
    subjects: [{ kind: "ServiceAccount", name: "edgefold-agent", namespace: "edgefold" }],
  },
];

const documents = role([
  { apiGroups: ["batch"], resources: ["jobs"], verbs: ["create", "list", "patch"] },
  { apiGroups: [""], resources: ["pods/status"], verbs: ["patch"] },
  { apiGroups: [""], resources: ["configmaps"], resourceNames: ["mine"], verbs: ["get", "list"] },
  { apiGroups: [""], resources: ["namespaces"], resourceNames: [namespace], verbs: ["get"] },
]);

const user = 'User "system:serviceaccount:edgefold:edgefold-agent"';

test("The agent is allowed what its Role says, and nothing else", async () => {
  const { cluster, core: admin } = await startScene({ documents });
  const { core, batch } = clients(cluster, "agent");
  await batch.createNamespacedJob({ namespace, body: shellJob("one", "exit 0", { parallelism: 0 }) });
  await batch.patchNamespacedJob({ namespace, name: "one", body: { spec: { suspend: true } } }, mergePatch);
  expect((await batch.listNamespacedJob({ namespace })).items).toHaveLength(1);
  expect(await refusal(batch.deleteNamespacedJob({ namespace, name: "one" }))).toBe(
    `403 Forbidden: jobs.batch "one" is forbidden: ${user} cannot delete resource "jobs" in API group "batch" in the namespace "${namespace}"`,
  );
  expect(await refusal(batch.listJobForAllNamespaces())).toBe(
    `403 Forbidden: jobs.batch is forbidden: ${user} cannot list resource "jobs" in API group "batch" at the cluster scope`,
  );
  expect(await refusal(core.listNamespacedPod({ namespace }))).toBe(
    `403 Forbidden: pods is forbidden: ${user} cannot list resource "pods" in API group "" in the namespace "${namespace}"`,
  );
  const status = core.patchNamespacedPodStatus({ namespace, name: "x", body: {} }, mergePatch);
  expect(await refusal(status)).toBe('404 NotFound: pods "x" not found');
  expect(await refusal(core.patchNamespacedPod({ namespace, name: "x", body: {} }, mergePatch))).toMatch(/^403 /);
  await admin.createNamespacedConfigMap({ namespace, body: { metadata: { name: "mine" } } });
  expect((await core.readNamespacedConfigMap({ namespace, name: "mine" })).metadata?.name).toBe("mine");
  expect(await refusal(core.readNamespacedConfigMap({ namespace, name: "other" }))).toMatch(/^403 /);
  expect(await refusal(core.listNamespacedConfigMap({ namespace }))).toMatch(/^403 /);
  const only = await core.listNamespacedConfigMap({ namespace, fieldSelector: "metadata.name=mine" });
  expect(only.items).toHaveLength(1);
  expect((await core.readNamespace({ name: namespace })).metadata?.name).toBe(namespace);
  expect(await refusal(core.readNamespace({ name: "default" }))).toMatch(/^403 /);
});

test("A user can ask what they are allowed to do", async () => {
  const { cluster } = await startScene({ documents });
  const may = async (who: "admin" | "agent", resourceAttributes: k8s.V1ResourceAttributes): Promise<boolean> => {
    const api = clients(cluster, who).config.makeApiClient(k8s.AuthorizationV1Api);
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    };
    return (await api.createSelfSubjectAccessReview({ body })).status?.allowed === true;
  };
  const jobs = { namespace, group: "batch", resource: "jobs" };
  expect(await may("agent", { ...jobs, verb: "create" })).toBe(true);
  expect(await may("agent", { ...jobs, verb: "delete" })).toBe(false);
  expect(await may("agent", { ...jobs, verb: "create", namespace: "default" })).toBe(false);
  expect(await may("agent", { namespace, verb: "patch", resource: "pods", subresource: "status" })).toBe(true);
  expect(await may("agent", { namespace, verb: "patch", resource: "pods" })).toBe(false);
  expect(await may("agent", { namespace, verb: "get", resource: "configmaps", name: "mine" })).toBe(true);
  expect(await may("agent", { namespace, verb: "get", resource: "configmaps" })).toBe(false);
  expect(await may("admin", { ...jobs, verb: "delete" })).toBe(true);
});

import { readFileSync } from "node:fs";
import type {
  V1ConfigMap,
  V1Deployment,
  V1Namespace,
  V1NetworkPolicy,
  V1PolicyRule,
  V1Role,
  V1RoleBinding,
  V1ServiceAccount,
} from "@kubernetes/client-node";
import { expect, it } from "vitest";
import { leaseName, permissions } from "../../../backend/agent/launchers/kubernetes/permissions.ts";
import { parseConfig } from "../../../backend/agent/config.ts";
import { KubernetesSettingsSchema } from "../../../backend/agent/launchers/kubernetes/settings.ts";
import { renderManifest } from "../../../backend/deploy/render.ts";
import { release } from "../../../shared/release.ts";
import { documents, type KubernetesObject } from "../../helpers/kubernetes/documents.ts";
import { restrictedViolations } from "../../helpers/kubernetes/restricted.ts";
import { unknownFields } from "../../helpers/kubernetes/schema.ts";

const manifest = readFileSync(new URL("../../../backend/deploy/edgefold.yaml", import.meta.url), "utf8");
const objects = documents(manifest);
const named = objects.map((object): [string, KubernetesObject] => {
  const { name, namespace } = object.metadata;
  return [[object.kind, namespace, name].filter((part) => part !== undefined).join(" "), object];
});

type Kinds = {
  Namespace: V1Namespace;
  ServiceAccount: V1ServiceAccount;
  Role: V1Role;
  RoleBinding: V1RoleBinding;
  ConfigMap: V1ConfigMap;
  Deployment: V1Deployment;
  NetworkPolicy: V1NetworkPolicy;
};
type Kind = keyof Kinds;

const all = <K extends Kind>(kind: K): (Kinds[K] & KubernetesObject)[] =>
  documents<Kinds[K] & KubernetesObject>(manifest).filter((object) => object.kind === kind);
const one = <K extends Kind>(kind: K, namespace: string): Kinds[K] & KubernetesObject => {
  const [found, ...others] = all(kind).filter(({ metadata }) => metadata.namespace === namespace);
  if (found === undefined || others.length > 0) throw new Error(`${namespace} has not one ${kind}`);
  return found;
};

const podSpec = one("Deployment", "edgefold").spec?.template.spec;
if (podSpec === undefined) throw new Error("the agent has no pods");
const container = podSpec.containers[0];
const settings = one("ConfigMap", "edgefold").data ?? {};

it("contains the kustomization's files in one", () => {
  expect(manifest).toBe(renderManifest());
  expect(named.map(([name]) => name)).toEqual([
    "Namespace edgefold",
    "Namespace edgefold-jobs",
    "ServiceAccount edgefold edgefold-agent",
    "Role edgefold-jobs edgefold-agent",
    "Role edgefold edgefold-agent",
    "RoleBinding edgefold-jobs edgefold-agent",
    "RoleBinding edgefold edgefold-agent",
    "ServiceAccount edgefold-jobs edgefold-runner",
    "ConfigMap edgefold edgefold-agent",
    "Deployment edgefold edgefold-agent",
    "NetworkPolicy edgefold edgefold-agent",
    "NetworkPolicy edgefold-jobs edgefold-runner",
  ]);
});

it.each(named)("%s has labels, and only fields that Kubernetes knows", (_, object) => {
  expect(unknownFields(object)).toEqual([]);
  expect(object.metadata.labels).toMatchObject({
    "app.kubernetes.io/name": "edgefold",
    "app.kubernetes.io/part-of": "edgefold",
    "app.kubernetes.io/component": expect.stringMatching(/^(agent|runner)$/),
  });
});

it("admits only restricted pods to its namespaces", () => {
  for (const { metadata } of all("Namespace")) {
    expect(metadata.labels).toMatchObject({
      "pod-security.kubernetes.io/enforce": "restricted",
      "pod-security.kubernetes.io/enforce-version": "latest",
      "pod-security.kubernetes.io/audit": "restricted",
      "pod-security.kubernetes.io/warn": "restricted",
    });
  }
});

const rulesOf = (namespace: "jobs" | "agent"): V1PolicyRule[] =>
  permissions
    .filter((permission) => permission.namespace === namespace)
    .map(({ group, resource, verbs, name }) => ({
      apiGroups: [group],
      resources: [resource],
      ...(name === undefined ? {} : { resourceNames: [name === "lease" ? leaseName : "edgefold-jobs"] }),
      verbs: [...verbs],
    }));

it("grants the agent exactly what it needs, each resource by name", () => {
  expect(one("Role", "edgefold-jobs").rules).toEqual(rulesOf("jobs"));
  expect(one("Role", "edgefold").rules).toEqual(rulesOf("agent"));

  const rules = all("Role").flatMap((role) => role.rules ?? []);
  expect(JSON.stringify(rules)).not.toContain("*");
  const secretVerbs = rules.filter(({ resources }) => resources?.includes("secrets")).flatMap(({ verbs }) => verbs);
  expect(secretVerbs).toEqual(["create"]);
});

it("grants that to nobody else, and nothing to the runners", () => {
  for (const { roleRef, subjects } of all("RoleBinding")) {
    expect(roleRef).toEqual({ apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "edgefold-agent" });
    expect(subjects).toEqual([{ kind: "ServiceAccount", name: "edgefold-agent", namespace: "edgefold" }]);
  }
  expect(all("ServiceAccount")).toMatchObject([
    { metadata: { name: "edgefold-agent" }, automountServiceAccountToken: false },
    { metadata: { name: settings["RUNNER_SERVICE_ACCOUNT"] }, automountServiceAccountToken: false },
  ]);
  expect(podSpec.automountServiceAccountToken).toBe(true);
});

it("has an agent without privileges on its node, with a read-only root and limits", () => {
  expect(restrictedViolations(podSpec)).toEqual([]);
  expect(podSpec.containers).toHaveLength(1);
  expect(container?.securityContext?.readOnlyRootFilesystem).toBe(true);
  const resources = ["cpu", "ephemeral-storage", "memory"];
  expect(Object.keys(container?.resources?.requests ?? {}).sort()).toEqual(resources);
  expect(Object.keys(container?.resources?.limits ?? {}).sort()).toEqual(resources);
  expect(podSpec.volumes).toEqual(
    ["tmp"].map((name) => ({ name, emptyDir: { sizeLimit: expect.stringMatching(/^\d+Mi$/) } })),
  );
  expect(container?.volumeMounts?.map(({ name }) => name)).toEqual(["tmp"]);
});

it("has its health probes where the agent answers them", () => {
  const port = container?.env?.find(({ name }) => name === "HEALTH_PORT")?.value;
  expect(container?.ports).toEqual([{ name: "health", containerPort: Number(port) }]);
  const paths = [container?.startupProbe, container?.livenessProbe, container?.readinessProbe].map(
    (probe) => probe?.httpGet,
  );
  expect(paths).toEqual(["/livez", "/livez", "/readyz"].map((path) => ({ path, port: "health" })));
});

it("uses a single release", () => {
  expect(container?.image).toBe(`registry.example.com/edgefold:${release}`);
  expect(settings["RUNNER_IMAGE"]).toBe(container?.image);
  const kustomization = readFileSync(new URL("../../../backend/deploy/kustomization.yaml", import.meta.url), "utf8");
  expect(kustomization.match(/edgefold:(\S+)/)?.[1]).toBe(release);
});

it("sets the agent's defaults", () => {
  const { RUNNER_IMAGE } = settings;
  expect(parseConfig(KubernetesSettingsSchema, settings)).toEqual(KubernetesSettingsSchema.parse({ RUNNER_IMAGE }));
  expect(all("Namespace").map(({ metadata }) => metadata.name)).toContain(settings["JOBS_NAMESPACE"]);
});

/** Except for DNS. */
const portsOf = ({ spec }: V1NetworkPolicy): unknown[] =>
  (spec?.egress ?? []).slice(1).flatMap(({ ports }) => ports?.map(({ port }) => port) ?? []);

it("allows no incoming connections, and no outgoing ones to where clouds hand out credentials", () => {
  const policies = all("NetworkPolicy");
  expect(policies.map(({ metadata }) => metadata.namespace)).toEqual(["edgefold", "edgefold-jobs"]);
  for (const { spec } of policies) {
    expect(spec).toMatchObject({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
    expect(spec).not.toHaveProperty("ingress");
    const [dns, ...rules] = spec?.egress ?? [];
    expect(dns).toEqual({ ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: 53 })) });
    for (const { to } of rules) {
      expect(to).toMatchObject([
        { ipBlock: { cidr: "0.0.0.0/0", except: expect.arrayContaining(["169.254.0.0/16"]) } },
        { ipBlock: { cidr: "::/0", except: expect.arrayContaining(["fd00:ec2::/32", "fe80::/10"]) } },
      ]);
    }
  }
  expect(policies.map(portsOf)).toEqual([
    [443, 6443],
    [80, 443, 9000],
  ]);
});

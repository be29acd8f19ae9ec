import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  jobManifest,
  secretManifest,
  type Generation,
} from "../../../../backend/agent/launchers/kubernetes/manifests.ts";
import { KubernetesSettingsSchema } from "../../../../backend/agent/launchers/kubernetes/settings.ts";
import { PodOptionsSchema } from "../../../../shared/pods.ts";
import { restrictedViolations } from "../../../helpers/kubernetes/restricted.ts";
import { unknownFields } from "../../../helpers/kubernetes/schema.ts";

const generation = (pods: Record<string, unknown> = {}, more: Partial<Generation> = {}): Generation => ({
  cluster: "default",
  workerUrl: "https://edgefold.example.workers.dev",
  settings: KubernetesSettingsSchema.parse({
    RUNNER_IMAGE: "registry.example.com/edgefold:1",
    AWS_REGION: "eu-west-1",
    STORAGE_ENDPOINTS: "*.example.com, minio.storage.svc:9000",
  }),
  jobId: "01a20e51-8c10-72d6-bfcf-138b73108aa3",
  number: 1,
  token: "job.token",
  pods: PodOptionsSchema.parse(pods),
  parallelism: 2,
  ...more,
});

const everything = {
  resources: { cpu: "500m", memory: "4Gi", "ephemeral-storage": "20Gi" },
  nodeSelector: { "kubernetes.io/arch": "arm64" },
  tolerations: [{ key: "spot", operator: "Exists", effect: "NoSchedule" }],
  image: "registry.example.com/mine@sha256:00",
  imagePullSecrets: ["pull"],
  serviceAccountName: "mine",
  labels: { team: "a" },
  annotations: { "example.com/note": "any text" },
  queueName: "queue",
  credentialSecrets: ["in", "out"],
  secretEnvironment: { API_KEY: { secretName: "service", key: "key" } },
};

const owner = { metadata: { name: "edgefold-x", uid: "uid", labels: {} }, spec: {}, status: { conditions: [] } };
const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8"));
/** As sent: without undefined fields. */
const asSent = (manifest: object): unknown => JSON.parse(JSON.stringify(manifest));

describe.each([
  ["plain", generation()],
  ["everything", generation(everything, { number: 2, cluster: "east" })],
])("the manifests of a job's pods: %s", (name, of) => {
  it("are as expected", () => {
    expect(asSent(jobManifest(of))).toEqual(golden(`job-${name}`));
    expect(asSent(secretManifest(of, owner))).toEqual(golden(`secret-${name}`));
  });

  it("have no field that Kubernetes does not know, and meet the restricted standard", () => {
    const job = jobManifest(of);
    expect(unknownFields(job)).toEqual([]);
    expect(unknownFields(secretManifest(of, owner))).toEqual([]);
    expect(restrictedViolations(job.spec?.template.spec ?? { containers: [] })).toEqual([]);
    expect(job.spec?.template.spec?.containers[0]?.securityContext?.readOnlyRootFilesystem).toBe(true);
  });

  it("contain the token only in the Secret", () => {
    expect(JSON.stringify(jobManifest(of))).not.toContain("job.token");
  });
});

it("a job's own deadline leaves time for its cleanup", () => {
  const job = jobManifest(generation({ deadlineSeconds: 60 }));
  expect(job.spec?.activeDeadlineSeconds).toBe(60 + 2 * 60 * 60);
  expect(jobManifest(generation()).spec?.activeDeadlineSeconds).toBeUndefined();
});

const memoryOf = (memory: string): string | undefined =>
  jobManifest(generation({ resources: { memory } })).spec?.template.spec?.containers[0]?.env?.find(
    ({ name }) => name === "RUNNER_MEMORY",
  )?.value;

it("a runner takes half of a small pod's memory, and a quarter of a large one's", () => {
  expect(memoryOf("600Mi")).toBe(String(300 * 2 ** 20));
  expect(memoryOf("1Gi")).toBe(String(512 * 2 ** 20));
  expect(memoryOf("2Gi")).toBe(String(512 * 2 ** 20));
  expect(memoryOf("8Gi")).toBe(String(2 * 2 ** 30));
});

import type { V1EnvVar, V1Job, V1PodSpec, V1Secret, V1Volume, V1VolumeMount } from "@kubernetes/client-node";
import { parseQuantity, type PodOptions } from "../../../../shared/pods.ts";
import { podVariable } from "../../../../shared/program-settings.ts";
import type { KubernetesJob } from "./job-report.ts";
import { generationLabel, generationName, jobIdLabel, ownLabels, podsHash, podsLabel } from "./names.ts";
import { passedOn, type KubernetesSettings } from "./settings.ts";

/** The input for the manifests of one generation of a job. */
export type Generation = {
  readonly cluster: string;
  readonly workerUrl: string;
  readonly settings: KubernetesSettings;
  readonly jobId: string;
  /** Counts from 1. */
  readonly number: number;
  readonly token: string;
  readonly pods: PodOptions;
  /** The initial number of pods. */
  readonly parallelism: number;
};

/** Paths in a pod. */
const workDir = "/work";
const tokenDir = "/var/run/edgefold/job";
const credentialsDir = "/var/run/edgefold/credentials";

/** Exists while the runner is busy, and makes the pod ready. Of surplus pods, Kubernetes ends those that are not ready first. */
const busyFile = `${workDir}/busy`;

/** The unprivileged user of the image. */
const userId = 65_532;

/** How long a runner may take to give its task back when its pod is terminated, in seconds. */
const graceSeconds = 20;

/** How long a pod stays on an unreachable node. Its task is reassigned when its lease expires anyway. */
const unreachableSeconds = 30;

/** How long a finished Job that was not removed is kept, so that its pods can be inspected. */
const keptSeconds = 24 * 60 * 60;

/** The Job's own deadline is only a backstop for the job's deadline. The margin lets the job's cleanup finish. */
const deadlineMarginSeconds = 2 * 60 * 60;

/** Failures are counted per task, not by Kubernetes: a lost pod is no reason to fail a job. */
const noBackoffLimit = 2 ** 31 - 1;

/** What a runner takes by default of a pod's memory, in bytes. */
const usualRunnerMemory = 512 * 2 ** 20;

/**
 * The part of a pod's memory that is for the runner itself: half of a small pod's, and a quarter of a large one's, so that a sort
 * spills less. The rest is for the programs. In bytes, of a quantity.
 */
const runnerMemory = (memory: string): number => {
  const bytes = parseQuantity(memory);
  return Math.floor(Math.min(bytes / 2, Math.max(usualRunnerMemory, bytes / 4)));
};

const labelsOf = ({ cluster, jobId, number }: Generation): Record<string, string> => ({
  ...ownLabels(cluster),
  [jobIdLabel]: jobId,
  [generationLabel]: String(number),
});

/**
 * Builds the Secret with the runner's token. It is created after its Job, with the Job as its owner, so it is deleted with the
 * Job, and the agent needs no permission to change, read or delete Secrets.
 */
export const secretManifest = (generation: Generation, { metadata: { name, uid } }: KubernetesJob): V1Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name,
    labels: labelsOf(generation),
    ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid }],
  },
  immutable: true,
  type: "Opaque",
  stringData: { token: generation.token },
});

/** Builds the Job, a work queue: its pods claim tasks until there are none, and the first pod that succeeds completes it. */
export const jobManifest = (generation: Generation): V1Job => {
  const { jobId, number, pods, parallelism } = generation;
  const labels = { ...pods.labels, ...labelsOf(generation) };
  const queue: Record<string, string> =
    pods.queueName === undefined ? {} : { "kueue.x-k8s.io/queue-name": pods.queueName };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: generationName(jobId, number),
      labels: { ...labels, ...queue, [podsLabel]: podsHash(pods) },
      annotations: pods.annotations ?? {},
    },
    spec: {
      parallelism,
      backoffLimit: noBackoffLimit,
      // A disruption does not count as a failure.
      podFailurePolicy: {
        rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
      },
      // A replacement beside a pod that is still terminating would be one pod too many.
      podReplacementPolicy: "Failed",
      ttlSecondsAfterFinished: keptSeconds,
      ...deadlineOf(pods),
      template: { metadata: { labels, annotations: pods.annotations ?? {} }, spec: podSpec(generation) },
    },
  };
};

/** The cluster counts the deadline from the Job's start, so the clocks of the Worker and of this machine are not compared. */
const deadlineOf = ({ deadlineSeconds }: PodOptions): { activeDeadlineSeconds?: number } =>
  deadlineSeconds === undefined ? {} : { activeDeadlineSeconds: deadlineSeconds + deadlineMarginSeconds };

const podSpec = (generation: Generation): V1PodSpec => {
  const { settings, pods } = generation;
  const cpu = pods.resources?.cpu ?? settings.RUNNER_CPU;
  const limits = {
    memory: pods.resources?.memory ?? settings.RUNNER_MEMORY_LIMIT,
    "ephemeral-storage": pods.resources?.["ephemeral-storage"] ?? settings.RUNNER_EPHEMERAL_STORAGE,
  };
  return {
    restartPolicy: "Never",
    serviceAccountName: pods.serviceAccountName ?? settings.RUNNER_SERVICE_ACCOUNT,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // The pause container then reaps orphaned processes of programs, which the runner as PID 1 would not.
    shareProcessNamespace: true,
    terminationGracePeriodSeconds: graceSeconds,
    ...(pods.nodeSelector === undefined ? {} : { nodeSelector: pods.nodeSelector }),
    tolerations: [
      ...["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map((key) => ({
        key,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: unreachableSeconds,
      })),
      ...(pods.tolerations ?? []),
    ],
    ...(pods.imagePullSecrets === undefined
      ? {}
      : { imagePullSecrets: pods.imagePullSecrets.map((name) => ({ name })) }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "runner",
        image: pods.image ?? settings.RUNNER_IMAGE,
        command: ["node", "/app/runner/main.js"],
        env: environment(generation, limits.memory),
        // No CPU limit: the kernel would throttle all threads of the pod for a part of each 100 ms, even on an idle node.
        resources: { requests: { cpu, ...limits }, limits },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        // The last lines of the output explain a failure even after the pod is gone.
        terminationMessagePolicy: "FallbackToLogsOnError",
        readinessProbe: { exec: { command: ["test", "-e", busyFile] }, periodSeconds: 5, failureThreshold: 1 },
        volumeMounts: mounts(generation),
      },
    ],
    volumes: volumes(generation, limits["ephemeral-storage"]),
  };
};

const environment = ({ workerUrl, settings, jobId, pods }: Generation, memory: string): V1EnvVar[] => [
  { name: "WORKER_URL", value: workerUrl },
  { name: "JOB_ID", value: jobId },
  { name: "RUNNER_ID", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
  { name: "RUNNER_TOKEN_FILE", value: `${tokenDir}/token` },
  { name: "RUNNER_MEMORY", value: String(runnerMemory(memory)) },
  { name: "CREDENTIALS_DIR", value: credentialsDir },
  { name: "BUSY_FILE", value: busyFile },
  { name: "CGROUP_DIR", value: "/sys/fs/cgroup" },
  { name: "WORK_DIR", value: workDir },
  { name: "PROCESS_LEDGER", value: `${workDir}/processes` },
  { name: "HOME", value: workDir },
  { name: "TMPDIR", value: workDir },
  ...passedOn.flatMap((name) => (settings[name] === undefined ? [] : [{ name, value: settings[name] }])),
  ...Object.entries(pods.secretEnvironment ?? {}).map(([name, { secretName, key }]) => ({
    name: podVariable(name),
    valueFrom: { secretKeyRef: { name: secretName, key } },
  })),
];

const mounts = ({ pods }: Generation): V1VolumeMount[] => [
  { name: "work", mountPath: workDir },
  // For programs that ignore TMPDIR.
  { name: "work", mountPath: "/tmp", subPath: "tmp" },
  { name: "job", mountPath: tokenDir, readOnly: true },
  ...pods.credentialSecrets.map((secret, index) => ({
    name: `credentials-${index}`,
    mountPath: `${credentialsDir}/${secret}`,
    readOnly: true,
  })),
];

const volumes = ({ jobId, number, pods }: Generation, size: string): V1Volume[] => [
  { name: "work", emptyDir: { sizeLimit: size } },
  { name: "job", secret: { secretName: generationName(jobId, number), defaultMode: 0o440 } },
  ...pods.credentialSecrets.map((secretName, index) => ({
    name: `credentials-${index}`,
    secret: { secretName, defaultMode: 0o440 },
  })),
];

import { once } from "node:events";
import { request, type RequestOptions } from "node:https";
import { json } from "node:stream/consumers";
import * as k8s from "@kubernetes/client-node";
import { afterEach } from "vitest";
import { FakeCluster, type ClusterOptions } from "../../helpers/kubernetes/cluster.ts";
import { until } from "../../helpers/until.ts";

export const namespace = "jobs";

/** A cluster with a namespace, and images of the shell: `sh` runs the commands of pods. */
export type Scene = {
  readonly cluster: FakeCluster;
  readonly config: k8s.KubeConfig;
  readonly core: k8s.CoreV1Api;
  readonly batch: k8s.BatchV1Api;
};

const open: FakeCluster[] = [];

afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.stop();
});

const namespaceDocument = (name: string, labels: Readonly<Record<string, string>> = {}): object => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

/** Starts a cluster, and stops it after the test. */
export const startScene = async (options: ClusterOptions = {}): Promise<Scene> => {
  const cluster = await FakeCluster.start({
    images: { sh: { root: "/", env: { FROM_IMAGE: "yes" } } },
    ...options,
    documents: [namespaceDocument(namespace), ...(options.documents ?? [])],
  });
  open.push(cluster);
  return { cluster, ...clients(cluster, "admin") };
};

export const clients = (cluster: FakeCluster, user: "admin" | "agent"): Omit<Scene, "cluster"> => {
  const config = new k8s.KubeConfig();
  config.loadFromString(cluster.kubeconfig({ user }));
  return { config, core: config.makeApiClient(k8s.CoreV1Api), batch: config.makeApiClient(k8s.BatchV1Api) };
};

/** Posts a body that the client cannot send, since it only knows the fields of its models. @returns the answer */
export const post = async (cluster: FakeCluster, path: string, body: unknown): Promise<unknown> => {
  const { config } = clients(cluster, "admin");
  const options: RequestOptions = { method: "POST", headers: { "content-type": "application/json" } };
  await config.applyToHTTPSOptions(options);
  const sent = request(cluster.server + path, options);
  sent.end(JSON.stringify(body));
  const [answer] = await once(sent, "response");
  return json(answer);
};

export const mergePatch = k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch);

/** The error that a request was refused with: `404 NotFound: …`. */
export const refusal = async (answer: Promise<unknown>): Promise<string> => {
  try {
    await answer;
  } catch (error) {
    if (!(error instanceof k8s.ApiException)) throw error;
    const body: unknown = typeof error.body === "string" ? JSON.parse(error.body) : error.body;
    const field = (name: string): string =>
      typeof body === "object" && body !== null ? String(Object.entries(body).find(([key]) => key === name)?.[1]) : "";
    return `${error.code} ${field("reason")}: ${field("message")}`;
  }
  return "not refused";
};

/** The fields of an object, without the client's class. */
type Fields<T> = Pick<T, keyof T>;
type Manifest<T> = Fields<T> & { readonly metadata: Fields<k8s.V1ObjectMeta> };

/** A pod whose container runs a shell script. */
export const shellPod = (
  name: string,
  script: string,
  container: Partial<k8s.V1Container> = {},
  pod: Partial<k8s.V1PodSpec> = {},
): Manifest<k8s.V1Pod> => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels: { app: name } },
  spec: { restartPolicy: "Never", containers: [shell(script, container)], ...pod },
});

const shell = (script: string, more: Partial<k8s.V1Container> = {}): k8s.V1Container => ({
  name: "main",
  image: "sh",
  command: ["/bin/sh", "-c", script],
  ...more,
});

/** A Job that is a work queue of pods that run a shell script. */
export const shellJob = (
  name: string,
  script: string,
  spec: Partial<k8s.V1JobSpec> = {},
  pod: Partial<k8s.V1PodSpec> = {},
): Manifest<k8s.V1Job> & { readonly spec: Fields<k8s.V1JobSpec> } => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace, labels: { app: "test" } },
  spec: {
    parallelism: 1,
    backoffLimit: 1000,
    template: {
      metadata: { labels: { app: "test" } },
      spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [shell(script)], ...pod },
    },
    ...spec,
  },
});

/** A script that runs until it is told to end, and then exits with 0. */
export const loop = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";

/** Waits until a pod that runs `loop` can be told to end. */
export const isUp = async ({ cluster }: Scene, name: string): Promise<void> => {
  await until(`pod ${name} that is up`, () => (cluster.logs(name) === "up\n" ? true : undefined), 15_000);
};

/** Waits until a pod satisfies the condition. */
export const podThat = async (
  { core }: Pick<Scene, "core">,
  name: string,
  what: string,
  is: (pod: k8s.V1Pod) => boolean,
): Promise<k8s.V1Pod> => {
  let last: k8s.V1Pod | undefined;
  return until(
    `pod ${name} that ${what}`,
    async () => {
      last = await core.readNamespacedPod({ namespace, name });
      return is(last) ? last : undefined;
    },
    15_000,
  ).catch((error: unknown) => {
    throw new Error(`not so: ${JSON.stringify(last?.status)}`, { cause: error });
  });
};

/** Waits until a Job satisfies the condition. */
export const jobThat = async (
  { batch }: Pick<Scene, "batch">,
  name: string,
  what: string,
  is: (status: k8s.V1JobStatus) => boolean,
): Promise<k8s.V1JobStatus> => {
  let last: k8s.V1JobStatus | undefined;
  return until(
    `Job ${name} that ${what}`,
    async () => {
      last = (await batch.readNamespacedJob({ namespace, name })).status ?? {};
      return is(last) ? last : undefined;
    },
    15_000,
  ).catch((error: unknown) => {
    throw new Error(`not so: ${JSON.stringify(last)}`, { cause: error });
  });
};

/** The conditions that are true, with their reasons. */
export const trueConditions = (status: k8s.V1JobStatus | k8s.V1PodStatus): string[] =>
  (status.conditions ?? []).flatMap(({ type, status: value, reason }) =>
    value === "True" ? [reason === undefined ? type : `${type}:${reason}`] : [],
  );

import { readFileSync } from "node:fs";
import {
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
  type KubernetesObject,
  type V1Pod,
} from "@kubernetes/client-node";
import { unless } from "../../backend/agent/launchers/kubernetes/api-error.ts";
import { jobIdLabel } from "../../backend/agent/launchers/kubernetes/names.ts";
import { documents } from "../helpers/kubernetes/documents.ts";

export const jobsNamespace = "edgefold-jobs";
const agentNamespace = "edgefold";

/** A cluster that jobs are tried on, through an administrator's eyes. */
export class TestCluster {
  /** The image of runners. */
  readonly image: string;
  /** Under what name pods reach this machine. */
  readonly host: string;
  readonly core: CoreV1Api;
  readonly #config: KubeConfig;
  readonly #batch: BatchV1Api;

  constructor(config: KubeConfig, image: string, host: string) {
    this.#config = config;
    this.image = image;
    this.host = host;
    this.core = config.makeApiClient(CoreV1Api);
    this.#batch = config.makeApiClient(BatchV1Api);
  }

  /** Brings the committed manifest in, but for the agent's Deployment: the agent under test runs here. */
  async install(): Promise<void> {
    const api = KubernetesObjectApi.makeApiClient(this.#config);
    for (const document of documents(
      readFileSync(new URL("../../backend/deploy/edgefold.yaml", import.meta.url), "utf8"),
    )) {
      if (document.kind === "Deployment" || document.kind === "NetworkPolicy") continue;
      const { name, namespace } = document.metadata;
      const found = await unless(api.read({ ...document, metadata: { name, namespace: namespace ?? "" } }), 404);
      if (found === undefined) await api.create(document);
      else await api.patch(document, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
    }
  }

  /** A kubeconfig with the rights of the agent's ServiceAccount, no more. */
  async agentConfig(): Promise<string> {
    const { status } = await this.core.createNamespacedServiceAccountToken({
      namespace: agentNamespace,
      name: "edgefold-agent",
      body: { spec: { audiences: [], expirationSeconds: 7200 } },
    });
    const config = new KubeConfig();
    const cluster = this.#config.getCurrentCluster();
    if (cluster === null || status === undefined) throw new Error("there is no cluster, or no token");
    config.loadFromClusterAndUser(cluster, { name: "agent", token: status.token });
    return config.exportConfig();
  }

  async pods(jobId: string): Promise<V1Pod[]> {
    const { items } = await this.core.listNamespacedPod(selecting(jobId));
    return items;
  }

  async deletePod(name: string, gracePeriodSeconds?: number): Promise<void> {
    const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    await unless(this.core.deleteNamespacedPod({ namespace: jobsNamespace, name, ...grace }), 404);
  }

  /** What is in the cluster of a job: kind and name of each. */
  async leftovers(jobId: string): Promise<string[]> {
    const [jobs, pods, secrets] = await Promise.all([
      this.#batch.listNamespacedJob(selecting(jobId)),
      this.core.listNamespacedPod(selecting(jobId)),
      this.core.listNamespacedSecret(selecting(jobId)),
    ]);
    return [...names("Job", jobs.items), ...names("Pod", pods.items), ...names("Secret", secrets.items)];
  }

  /** The Jobs of a job, with their parallelism. */
  async parallelism(jobId: string): Promise<number[]> {
    const { items } = await this.#batch.listNamespacedJob(selecting(jobId));
    return items.map(({ spec }) => spec?.parallelism ?? 1);
  }

  async secret(name: string, stringData: Record<string, string>): Promise<void> {
    await unless(this.core.deleteNamespacedSecret({ namespace: jobsNamespace, name }), 404);
    await this.core.createNamespacedSecret({ namespace: jobsNamespace, body: { metadata: { name }, stringData } });
  }

  /** Allows so many pods in the jobs' namespace, or any number. */
  async quota(pods: number | undefined): Promise<void> {
    const [namespace, name] = [jobsNamespace, "edgefold-test"];
    await unless(this.core.deleteNamespacedResourceQuota({ namespace, name }), 404);
    if (pods === undefined) return;
    await this.core.createNamespacedResourceQuota({
      namespace,
      body: { metadata: { name }, spec: { hard: { pods: String(pods) } } },
    });
  }
}

const selecting = (jobId: string) => ({ namespace: jobsNamespace, labelSelector: `${jobIdLabel}=${jobId}` });

const names = (kind: string, items: readonly KubernetesObject[]): string[] =>
  items.map(({ metadata }) => `${kind} ${metadata?.name}`);

import { BatchV1Api, CoreV1Api, type KubeConfig, type KubernetesObject, type V1Pod } from "@kubernetes/client-node";
import { unless } from "../../backend/agent/launchers/kubernetes/api-error.ts";
import { jobIdLabel } from "../../backend/agent/launchers/kubernetes/names.ts";

export const jobsNamespace = "edgefold-jobs";
export const agentNamespace = "edgefold";

/** A cluster under test, as an administrator sees it. */
export abstract class TestCluster {
  /** The image of runners. */
  readonly image: string;
  /** The name by which pods reach this machine. */
  readonly host: string;
  readonly core: CoreV1Api;
  protected readonly config: KubeConfig;
  readonly #batch: BatchV1Api;

  constructor(config: KubeConfig, image: string, host: string) {
    this.config = config;
    this.image = image;
    this.host = host;
    this.core = config.makeApiClient(CoreV1Api);
    this.#batch = config.makeApiClient(BatchV1Api);
  }

  /** Applies the installation's manifests except the agent, which runs on this machine. */
  abstract install(): Promise<void>;
  /** A kubeconfig with exactly the rights of the agent's ServiceAccount. */
  abstract agentConfig(): Promise<string>;
  /** Limits the number of pods in the jobs' namespace; no limit if undefined. */
  abstract quota(pods: number | undefined): Promise<void>;

  async pods(jobId: string): Promise<V1Pod[]> {
    const { items } = await this.core.listNamespacedPod(selecting(jobId));
    return items;
  }

  async deletePod(name: string, gracePeriodSeconds?: number): Promise<void> {
    const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    await unless(this.core.deleteNamespacedPod({ namespace: jobsNamespace, name, ...grace }), 404);
  }

  /** The kind and name of everything that a job has in the cluster. */
  async leftovers(jobId: string): Promise<string[]> {
    const [jobs, pods, secrets] = await Promise.all([
      this.#batch.listNamespacedJob(selecting(jobId)),
      this.core.listNamespacedPod(selecting(jobId)),
      this.core.listNamespacedSecret(selecting(jobId)),
    ]);
    return [...names("Job", jobs.items), ...names("Pod", pods.items), ...names("Secret", secrets.items)];
  }

  /** Everything in the jobs' namespace. */
  async everything(): Promise<readonly unknown[]> {
    const namespace = { namespace: jobsNamespace };
    return Promise.all([
      this.#batch.listNamespacedJob(namespace),
      this.core.listNamespacedPod(namespace),
      this.core.listNamespacedSecret(namespace),
      this.core.listNamespacedEvent(namespace),
    ]);
  }

  /** The parallelism of each Kubernetes Job of a job. */
  async parallelism(jobId: string): Promise<number[]> {
    const { items } = await this.#batch.listNamespacedJob(selecting(jobId));
    return items.map(({ spec }) => spec?.parallelism ?? 1);
  }

  async secret(name: string, stringData: Record<string, string>): Promise<void> {
    await unless(this.core.deleteNamespacedSecret({ namespace: jobsNamespace, name }), 404);
    await this.core.createNamespacedSecret({
      namespace: jobsNamespace,
      body: { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData },
    });
  }
}

const selecting = (jobId: string) => ({ namespace: jobsNamespace, labelSelector: `${jobIdLabel}=${jobId}` });

const names = (kind: string, items: readonly KubernetesObject[]): string[] =>
  items.map(({ metadata }) => `${kind} ${metadata?.name}`);

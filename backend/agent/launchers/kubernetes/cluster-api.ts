import {
  AuthorizationV1Api,
  BatchV1Api,
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  type KubeConfig,
  type V1Job,
  type V1Secret,
} from "@kubernetes/client-node";
import { apiFailure, unless } from "./api-error.ts";
import { JobSchema, type KubernetesJob } from "./job-report.ts";
import type { Leadership } from "./leader.ts";
import { jobIdLabel, ownSelector } from "./names.ts";
import { PodSchema, type Pod } from "./pod-report.ts";
import { leaseName, permissions, type Permission } from "./permissions.ts";

const mergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);

/** The agent does not lead and must not change anything, because another one may be running. */
class NotLeadingError extends Error {
  override name = "NotLeadingError";
  override message = "this agent does not lead";
}

/** The API calls of the launcher. All are idempotent: creating an existing object or deleting a missing one is not a failure. */
export class ClusterApi {
  readonly #config: KubeConfig;
  readonly #batch: BatchV1Api;
  readonly #core: CoreV1Api;
  readonly #namespace: string;
  readonly #cluster: string;
  readonly #leadership: Pick<Leadership, "leads">;

  /**
   * @param cluster the name by which jobs select this cluster
   * @param leadership checked before every change, which throws if this agent does not lead
   */
  constructor(config: KubeConfig, namespace: string, cluster: string, leadership: Pick<Leadership, "leads">) {
    this.#config = config;
    this.#batch = config.makeApiClient(BatchV1Api);
    this.#core = config.makeApiClient(CoreV1Api);
    this.#namespace = namespace;
    this.#cluster = cluster;
    this.#leadership = leadership;
  }

  /** @returns the created Job; undefined if it already existed */
  async createJob(body: V1Job): Promise<KubernetesJob | undefined> {
    this.#assertLeads();
    const created = await unless(this.#batch.createNamespacedJob({ namespace: this.#namespace, body }), 409);
    return created && JobSchema.parse(created);
  }

  async createSecret(body: V1Secret): Promise<void> {
    this.#assertLeads();
    await unless(this.#core.createNamespacedSecret({ namespace: this.#namespace, body }), 409);
  }

  async scale(name: string, parallelism: number): Promise<void> {
    this.#assertLeads();
    const patch = { namespace: this.#namespace, name, body: { spec: { parallelism } } };
    await unless(this.#batch.patchNamespacedJob(patch, mergePatch), 404);
  }

  async removeJob(name: string): Promise<void> {
    this.#assertLeads();
    const request = { namespace: this.#namespace, name, propagationPolicy: "Background" };
    await unless(this.#batch.deleteNamespacedJob(request), 404);
  }

  /**
   * Removes a pod whose node cannot report that it ended. Deleting the pod is not enough: its Job keeps it until it has failed,
   * and starts no replacement before.
   */
  async forgetPod({ metadata: { name, uid } }: Pod): Promise<void> {
    this.#assertLeads();
    const namespace = this.#namespace;
    const body = { metadata: { uid }, status: { phase: "Failed" } };
    await unless(this.#core.patchNamespacedPodStatus({ namespace, name, body }, mergePatch), 404, 409);
    const deletion = { namespace, name, gracePeriodSeconds: 0, body: { preconditions: { uid } } };
    await unless(this.#core.deleteNamespacedPod(deletion), 404, 409);
  }

  async jobsOf(jobId: string): Promise<KubernetesJob[]> {
    const { items } = await this.#batch.listNamespacedJob(this.#selecting(jobId));
    return items.map((job) => JobSchema.parse(job));
  }

  async podsOf(jobId: string): Promise<Pod[]> {
    const { items } = await this.#core.listNamespacedPod(this.#selecting(jobId));
    return items.map((pod) => PodSchema.parse(pod));
  }

  /** Returns the cluster's own id, the uid of the jobs' namespace. */
  async clusterId(): Promise<string> {
    const { metadata } = await this.#core.readNamespace({ name: this.#namespace });
    if (metadata?.uid === undefined) throw new Error(`the namespace ${this.#namespace} has no uid`);
    return metadata.uid;
  }

  /** Describes those of `permissions` that the agent lacks. */
  async missingPermissions(agentNamespace: string): Promise<string[]> {
    const api = this.#config.makeApiClient(AuthorizationV1Api);
    const asked = permissions.flatMap((permission) => permission.verbs.map((verb) => ({ permission, verb })));
    const answers = await Promise.all(
      asked.map(async ({ permission, verb }) => {
        const resourceAttributes = this.#attributes(permission, verb, agentNamespace);
        const kind = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview" };
        const review = await api.createSelfSubjectAccessReview({ body: { ...kind, spec: { resourceAttributes } } });
        const { namespace, name } = resourceAttributes;
        const what = `${verb} ${permission.resource}${name === undefined ? "" : ` ${name}`} in the namespace ${namespace}`;
        return review.status?.allowed === true ? [] : [what];
      }),
    );
    return answers.flat();
  }

  #assertLeads(): void {
    if (!this.#leadership.leads) throw new NotLeadingError();
  }

  #attributes({ namespace, group, resource, name }: Permission, verb: string, agentNamespace: string) {
    return {
      namespace: namespace === "jobs" ? this.#namespace : agentNamespace,
      group,
      resource: resource.split("/")[0] ?? "",
      ...(resource.includes("/") ? { subresource: resource.split("/")[1] ?? "" } : {}),
      verb,
      ...(name === undefined ? {} : { name: name === "lease" ? leaseName : this.#namespace }),
    };
  }

  #selecting(jobId: string) {
    return { namespace: this.#namespace, labelSelector: `${ownSelector(this.#cluster)},${jobIdLabel}=${jobId}` };
  }
}

/** Whether retrying is useless, because the API server rejects the request itself as invalid. */
export const isInvalid = (error: unknown): boolean => {
  const status = apiFailure(error)?.status;
  return status === 400 || status === 422;
};

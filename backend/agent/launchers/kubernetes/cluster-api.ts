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

/** An agent that does not lead may change nothing: another one may be at work. */
class NotLeadingError extends Error {
  override name = "NotLeadingError";
  override message = "this agent does not lead";
}

/** The calls that the launcher makes. Each can be repeated: what is there already, or gone already, is no failure. */
export class ClusterApi {
  readonly #config: KubeConfig;
  readonly #batch: BatchV1Api;
  readonly #core: CoreV1Api;
  readonly #namespace: string;
  readonly #cluster: string;
  readonly #leadership: Pick<Leadership, "leads">;

  /**
   * @param cluster the name under which jobs are sent here
   * @param leadership what changes something asks it first, and throws where this agent does not lead
   */
  constructor(config: KubeConfig, namespace: string, cluster: string, leadership: Pick<Leadership, "leads">) {
    this.#config = config;
    this.#batch = config.makeApiClient(BatchV1Api);
    this.#core = config.makeApiClient(CoreV1Api);
    this.#namespace = namespace;
    this.#cluster = cluster;
    this.#leadership = leadership;
  }

  /** @returns the Job as it was created, undefined where it was there */
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
   * Forgets a pod whose node cannot say that it has ended. That it is deleted is not enough: its Job waits until it has
   * failed, and so keeps it, and puts no other in its place.
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

  /** The cluster's own id: the uid of the jobs' namespace. */
  async clusterId(): Promise<string> {
    const { metadata } = await this.#core.readNamespace({ name: this.#namespace });
    if (metadata?.uid === undefined) throw new Error(`the namespace ${this.#namespace} has no uid`);
    return metadata.uid;
  }

  /** What of `permissions` the agent lacks, in words. */
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

/** What cannot be had by asking again: the API server finds fault with the request itself. */
export const isInvalid = (error: unknown): boolean => {
  const status = apiFailure(error)?.status;
  return status === 400 || status === 422;
};

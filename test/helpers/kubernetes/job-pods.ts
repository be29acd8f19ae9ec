import type { Deletion } from "./deletion.ts";
import type { EventRecorder, Notice } from "./event-recorder.ts";
import { toJsonObject } from "./json.ts";
import type { Job } from "./job-schemas.ts";
import { generatedName } from "./metadata.ts";
import type { Pod } from "./object-schemas.ts";
import { controllerOf } from "./owners.ts";
import type { Registry } from "./registry.ts";
import { Refusal } from "./status.ts";
import type { Store } from "./store.ts";

/** Keeps a Job's pods until they are counted. */
const trackingFinalizer = "batch.kubernetes.io/job-tracking";

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) === true;

/** Creates and deletes the pods of Jobs, and records events about it. */
export class JobPods {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #deletion: Deletion;
  readonly #events: EventRecorder;

  constructor(store: Store, registry: Registry, deletion: Deletion, events: EventRecorder) {
    this.#store = store;
    this.#registry = registry;
    this.#deletion = deletion;
    this.#events = events;
  }

  /** In order of creation. */
  of(job: Job): Pod[] {
    return this.#store
      .list("pods", job.metadata.namespace)
      .filter((pod) => controllerOf(pod)?.uid === job.metadata.uid);
  }

  /** Pods whose Job is gone, so that nothing counts them. */
  orphans(): Pod[] {
    const jobs = new Set(this.#store.list("jobs").map(({ metadata }) => metadata.uid));
    return this.#store.list("pods").filter((pod) => isTracked(pod) && !jobs.has(controllerOf(pod)?.uid ?? ""));
  }

  /** @returns whether it was created */
  create(job: Job): boolean {
    const { name, namespace, uid } = job.metadata;
    const { metadata, spec } = job.spec.template;
    const pod = toJsonObject({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: generatedName(`${name}-`),
        generateName: `${name}-`,
        labels: metadata.labels,
        annotations: metadata.annotations,
        finalizers: [trackingFinalizer],
        ownerReferences: [
          { apiVersion: job.apiVersion, kind: job.kind, name, uid, controller: true, blockOwnerDeletion: true },
        ],
      },
      spec,
    });
    try {
      const created = this.#registry.create("pods", namespace, pod);
      this.record(job, "Normal", "SuccessfulCreate", `Created pod: ${created.metadata.name}`);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.record(job, "Warning", "FailedCreate", `Error creating: ${error.message}`);
      return false;
    }
  }

  /** Deletes pods without counting them. */
  remove(job: Job, pods: readonly Pod[]): void {
    for (const pod of pods) {
      this.release(pod);
      this.#deletion.delete("pods", pod);
      this.record(job, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
    }
  }

  /** Releases a pod that has been counted or that nothing will count. */
  release(pod: Pod): void {
    if (isTracked(pod)) this.#deletion.release("pods", pod, trackingFinalizer);
  }

  record(job: Job, type: Notice["type"], reason: string, message: string): void {
    this.#events.record(job, { type, reason, message, component: "job-controller" });
  }
}

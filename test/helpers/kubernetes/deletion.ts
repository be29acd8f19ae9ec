import { z } from "zod";
import type { KubeObject, Pod } from "./object-schemas.ts";
import { resources, type Plural } from "./resources.ts";
import { Refusal } from "./status.ts";
import type { Store } from "./store.ts";
import { timestamp } from "./time.ts";

export const DeleteOptionsSchema = z.object({
  propagationPolicy: z.enum(["Background", "Foreground", "Orphan"]).optional(),
  gracePeriodSeconds: z.number().int().nonnegative().optional(),
  preconditions: z.object({ uid: z.string().optional(), resourceVersion: z.string().optional() }).optional(),
});
export type DeleteOptions = z.infer<typeof DeleteOptionsSchema>;

/** Keeps an object until its dependents are deleted. */
export const foregroundFinalizer = "foregroundDeletion";

const finalizersOf = ({ metadata }: KubeObject): string[] => metadata.finalizers ?? [];

/** Whether an object is being deleted and nothing holds it any more. */
export const isReleased = (plural: Plural, object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined &&
  finalizersOf(object).length === 0 &&
  (plural !== "pods" || object.metadata.deletionGracePeriodSeconds === 0);

/** Deletes objects, or starts their deletion. */
export class Deletion {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @returns the object if it stays for now; undefined if it is gone. @throws Refusal 409 if a precondition does not hold */
  delete(plural: Plural, object: KubeObject, options: DeleteOptions = {}): KubeObject | undefined {
    checkPreconditions(plural, object, options);
    if (plural === "pods") return this.#deletePod(object, options);
    // A Job's pods stay by default, as in Kubernetes, for compatibility.
    const policy = options.propagationPolicy ?? (plural === "jobs" ? "Orphan" : "Background");
    if (policy === "Orphan") this.#orphan(object);
    if (policy === "Foreground") this.#addFinalizer(plural, object, foregroundFinalizer);
    return this.#mark(plural, object, 0, timestamp());
  }

  #deletePod(object: KubeObject, { gracePeriodSeconds }: DeleteOptions): KubeObject | undefined {
    const pod = this.#store.current("pods", object);
    if (pod === undefined) return undefined;
    const grace = isAtRest(pod) ? 0 : (gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds);
    const { deletionGracePeriodSeconds: earlier } = pod.metadata;
    if (earlier !== undefined && earlier <= grace) return isReleased("pods", pod) ? this.#mark("pods", pod, 0) : pod;
    return this.#mark("pods", pod, grace, timestamp(Date.now() + grace * 1000));
  }

  #mark(plural: Plural, object: KubeObject, grace: number, time = timestamp()): KubeObject | undefined {
    const current = this.#store.current(plural, object);
    if (current === undefined) return undefined;
    const goes = grace === 0 && finalizersOf(current).length === 0;
    if (goes && current.metadata.deletionTimestamp === undefined) {
      this.#store.remove(plural, current);
      return undefined;
    }
    const marked = this.#store.edit(plural, current, ({ metadata }) => {
      if (metadata.generation !== undefined && metadata.deletionTimestamp === undefined) metadata.generation += 1;
      if (plural === "pods" || metadata.deletionTimestamp === undefined) metadata.deletionTimestamp = time;
      metadata.deletionGracePeriodSeconds = grace;
    });
    if (marked === undefined || !isReleased(plural, marked)) return marked;
    this.#store.remove(plural, marked);
    return undefined;
  }

  #addFinalizer(plural: Plural, object: KubeObject, finalizer: string): void {
    this.#store.edit(plural, object, ({ metadata }) => {
      metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), finalizer])];
    });
  }

  /** Removes a finalizer, and the object too if nothing else holds it. */
  release(plural: Plural, object: KubeObject, finalizer: string): void {
    const released = this.#store.edit(plural, object, ({ metadata }) => {
      const left = (metadata.finalizers ?? []).filter((one) => one !== finalizer);
      if (left.length > 0) metadata.finalizers = left;
      else delete metadata.finalizers;
    });
    if (released !== undefined && isReleased(plural, released)) this.#store.remove(plural, released);
  }

  #orphan(owner: KubeObject): void {
    for (const { plural, object } of this.#store.all())
      this.#store.edit(plural, object, ({ metadata }) => {
        const left = metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid);
        if (left !== undefined && left.length > 0) metadata.ownerReferences = left;
        else delete metadata.ownerReferences;
      });
  }
}

/** Whether the pod has no process to end. */
const isAtRest = ({ spec, status }: Pod): boolean =>
  spec.nodeName === undefined || status.phase === "Succeeded" || status.phase === "Failed";

const checkPreconditions = (plural: Plural, { metadata }: KubeObject, { preconditions }: DeleteOptions): void => {
  const { kind, group } = resources[plural];
  for (const [what, expected, found] of [
    ["UID", preconditions?.uid, metadata.uid],
    ["ResourceVersion", preconditions?.resourceVersion, metadata.resourceVersion],
  ] as const) {
    if (expected === undefined || expected === found) continue;
    const message =
      `Operation cannot be fulfilled on ${group === "" ? kind : `${kind}.${group}`} "${metadata.name}": ` +
      `the ${what} in the precondition (${expected}) does not match the ${what} in record (${found}). ` +
      "The object might have been deleted and then recreated";
    throw new Refusal(409, "Conflict", message, { name: metadata.name, ...(group === "" ? {} : { group }), kind });
  }
};

import { foregroundFinalizer, type Deletion } from "./deletion.ts";
import type { Change } from "./history.ts";
import type { KubeObject } from "./object-schemas.ts";
import { isOwnedBy } from "./owners.ts";
import type { Plural } from "./resources.ts";
import type { Store } from "./store.ts";
import { WorkQueue } from "./work-queue.ts";

/**
 * Deletes objects whose owners are all gone or never existed, objects of a deleted namespace, and, before an owner that is
 * deleted in the foreground, the objects that it owns.
 */
export class GarbageCollector {
  readonly #store: Store;
  readonly #deletion: Deletion;
  readonly #queue: WorkQueue;

  constructor(store: Store, deletion: Deletion, report: (error: unknown) => void) {
    this.#store = store;
    this.#deletion = deletion;
    this.#queue = new WorkQueue(() => this.#collect(), report);
    store.subscribe((change) => {
      if (concerns(change)) this.#queue.add("all");
    });
  }

  stop(): void {
    this.#queue.stop();
  }

  #collect(): void {
    const all = this.#store.all();
    const uids = new Set(all.map(({ object }) => object.metadata.uid));
    for (const { plural, object } of all) {
      const { ownerReferences = [], namespace, deletionTimestamp } = object.metadata;
      if (deletionTimestamp !== undefined) continue;
      const isOwnerless = ownerReferences.length > 0 && ownerReferences.every(({ uid }) => !uids.has(uid));
      const isHomeless = namespace !== undefined && this.#store.get("namespaces", undefined, namespace) === undefined;
      if (isOwnerless || isHomeless) this.#deletion.delete(plural, object, { propagationPolicy: "Background" });
    }
    for (const { plural, object } of all)
      if (object.metadata.finalizers?.includes(foregroundFinalizer) === true) this.#goOn(plural, object);
  }

  /** Continues a foreground deletion. */
  #goOn(plural: Plural, owner: KubeObject): void {
    const owned = this.#store.all().filter(({ object }) => isOwnedBy(object, owner));
    for (const dependent of owned)
      if (dependent.object.metadata.deletionTimestamp === undefined)
        this.#deletion.delete(dependent.plural, dependent.object, { propagationPolicy: "Background" });
    if (!this.#store.all().some(({ object }) => isOwnedBy(object, owner)))
      this.#deletion.release(plural, owner, foregroundFinalizer);
  }
}

const concerns = ({ before, after }: Change): boolean =>
  after === undefined ||
  (after.metadata.ownerReferences !== undefined && before?.metadata.ownerReferences === undefined) ||
  after.metadata.finalizers?.includes(foregroundFinalizer) === true ||
  before?.metadata.ownerReferences?.length !== after.metadata.ownerReferences?.length;

import { Admission } from "./admission.ts";
import { Deletion } from "./deletion.ts";
import { EventRecorder } from "./event-recorder.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { createInitialObjects } from "./initial-objects.ts";
import { JobController } from "./job-controller.ts";
import { JobPods } from "./job-pods.ts";
import { Registry } from "./registry.ts";
import { Scheduler } from "./scheduler.ts";
import { Store } from "./store.ts";
import { Watches } from "./watches.ts";

export type ControlPlaneOptions = {
  /** Documents of an installation; its Namespaces, ServiceAccounts, ConfigMaps and Secrets are created. */
  readonly documents: readonly unknown[];
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly replacementDelayMs: number;
  readonly historyLimit: number;
  readonly bookmarkMs: number;
};

/** A cluster without its node and its HTTP server: the objects and the controllers. */
export class ControlPlane {
  readonly store: Store;
  readonly admission: Admission;
  readonly registry: Registry;
  readonly deletion: Deletion;
  readonly events: EventRecorder;
  readonly watches: Watches;
  readonly scheduler: Scheduler;
  /** Internal errors, which should never occur. */
  readonly errors: unknown[] = [];
  readonly #initial: ReadonlySet<string>;
  readonly #controllers: readonly { stop(): void }[];

  constructor({ documents, nodeLabels, replacementDelayMs, historyLimit, bookmarkMs }: ControlPlaneOptions) {
    const { errors } = this;
    const report = (error: unknown): unknown => errors.push(error);
    const store = new Store(historyLimit);
    this.store = store;
    this.admission = new Admission(store);
    this.registry = new Registry(store, this.admission);
    this.deletion = new Deletion(store);
    this.events = new EventRecorder(store);
    this.watches = new Watches(store, bookmarkMs);
    this.scheduler = new Scheduler(store, this.events, nodeLabels, report);
    const pods = new JobPods(store, this.registry, this.deletion, this.events);
    this.#controllers = [
      this.scheduler,
      new GarbageCollector(store, this.deletion, report),
      new JobController({ store, pods, deletion: this.deletion }, replacementDelayMs, report),
    ];
    createInitialObjects(this.registry, documents);
    this.#initial = new Set(this.store.all().map(({ object }) => object.metadata.uid));
  }

  /** Whether the object existed from the beginning. */
  isInitial(uid: string): boolean {
    return this.#initial.has(uid);
  }

  stop(): void {
    for (const controller of this.#controllers) controller.stop();
  }
}

import type { EventRecorder } from "./event-recorder.ts";
import type { Change } from "./history.ts";
import type { Pod } from "./object-schemas.ts";
import { hasEnded, podName, setCondition } from "./pods.ts";
import type { Store } from "./store.ts";
import { WorkQueue } from "./work-queue.ts";

const nodeName = "node-1";
const component = "default-scheduler";
const mismatch = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";

/** Assigns pods to the single node, unless their node selector does not match or an obstacle is set. */
export class Scheduler {
  readonly #store: Store;
  readonly #events: EventRecorder;
  readonly #nodeLabels: Readonly<Record<string, string>>;
  readonly #queue: WorkQueue;
  #obstacle: string | undefined;

  constructor(
    store: Store,
    events: EventRecorder,
    nodeLabels: Readonly<Record<string, string>>,
    onError: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#events = events;
    this.#nodeLabels = nodeLabels;
    this.#queue = new WorkQueue((uid) => this.#schedule(uid), onError);
    store.subscribe((change) => this.#note(change));
  }

  /** Why no pod is scheduled from now on; waiting pods are scheduled once it is undefined. */
  set obstacle(message: string | undefined) {
    this.#obstacle = message;
    for (const { metadata } of this.#store.list("pods")) this.#queue.add(metadata.uid);
  }

  stop(): void {
    this.#queue.stop();
  }

  #note({ plural, before, after }: Change): void {
    if (plural === "pods" && before === undefined && after !== undefined) this.#queue.add(after.metadata.uid);
  }

  #schedule(uid: string): void {
    const pod = this.#store.list("pods").find(({ metadata }) => metadata.uid === uid);
    if (pod === undefined || pod.spec.nodeName !== undefined || hasEnded(pod)) return;
    const obstacle = this.#obstacle ?? (this.#fits(pod) ? undefined : mismatch);
    if (obstacle === undefined) {
      this.#store.edit("pods", pod, (draft) => {
        draft.spec.nodeName = nodeName;
        setCondition(draft, "PodScheduled", true);
      });
      this.#record(pod, "Normal", "Scheduled", `Successfully assigned ${podName(pod)} to ${nodeName}`);
      return;
    }
    this.#store.edit("pods", pod, (draft) =>
      setCondition(draft, "PodScheduled", false, { reason: "Unschedulable", message: obstacle }),
    );
    this.#record(pod, "Warning", "FailedScheduling", obstacle);
  }

  #record(pod: Pod, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#events.record(pod, { type, reason, message, component });
  }

  #fits({ spec: { nodeSelector = {} } }: Pod): boolean {
    return Object.entries(nodeSelector).every(([key, value]) => this.#nodeLabels[key] === value);
  }
}

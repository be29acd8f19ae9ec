import type { Deletion } from "./deletion.ts";
import type { EventRecorder, Notice } from "./event-recorder.ts";
import type { ContainerState, Pod, Terminated } from "./object-schemas.ts";
import { setState, takenOver, type Addresses } from "./pod-status.ts";
import { hasEnded, setCondition } from "./pods.ts";
import type { SetupProblem } from "./setup-problem.ts";
import type { Store } from "./store.ts";
import { timestamp } from "./time.ts";

const lostMessage = "The container could not be located when the pod was deleted.  The container used to be Running";

/** Reports the kubelet's pods to the API server. */
export class PodReport {
  readonly #store: Store;
  readonly #deletion: Deletion;
  readonly #events: EventRecorder;
  /** Why pods were evicted, by uid. */
  readonly #evictions = new Map<string, string>();

  constructor(store: Store, deletion: Deletion, events: EventRecorder) {
    this.#store = store;
    this.#deletion = deletion;
    this.#events = events;
  }

  takenOver(pod: Pod, addresses: Addresses): void {
    this.#store.edit("pods", pod, (draft) => takenOver(draft, addresses));
  }

  waiting(pod: Pod, state: ContainerState): void {
    this.#store.edit("pods", pod, (draft) => setState(draft, state, false));
  }

  /** Reports what keeps the pod from starting. */
  problem(pod: Pod, { reason, message }: SetupProblem): void {
    if (reason === "FailedMount") {
      this.#record(pod, "Warning", "FailedMount", message);
      return;
    }
    const isPulling = reason === "ErrImagePull";
    const [status] = this.#store.current("pods", pod)?.status.containerStatuses ?? [];
    const { image = "" } = pod.spec.containers[0] ?? {};
    if (isPulling && status?.state.waiting?.reason !== "ContainerCreating") {
      const text = `Back-off pulling image "${image}": ErrImagePull: ${message}`;
      this.waiting(pod, { waiting: { reason: "ImagePullBackOff", message: text } });
      this.#record(pod, "Warning", "Failed", "Error: ImagePullBackOff");
      this.#record(pod, "Normal", "BackOff", `Back-off pulling image "${image}"`);
      return;
    }
    this.waiting(pod, { waiting: { reason, message } });
    this.#record(
      pod,
      "Warning",
      "Failed",
      isPulling ? `Failed to pull image "${image}": ${message}` : `Error: ${message}`,
    );
  }

  running(pod: Pod, state: ContainerState, isReady: boolean): void {
    const before = this.#store.current("pods", pod);
    if (before === undefined || hasEnded(before)) return;
    if (before.status.phase === "Pending") {
      const { name = "" } = pod.spec.containers[0] ?? {};
      this.#record(pod, "Normal", "Created", `Created container: ${name}`);
      this.#record(pod, "Normal", "Started", `Started container ${name}`);
    }
    this.#store.edit("pods", pod, (draft) => setState(draft, state, isReady));
  }

  /** The container is being stopped from outside. */
  stopping(pod: Pod): void {
    this.#record(pod, "Normal", "Killing", `Stopping container ${pod.spec.containers[0]?.name ?? ""}`);
  }

  evicted(pod: Pod, message: string): void {
    this.#evictions.set(pod.metadata.uid, message);
    this.#record(pod, "Warning", "Evicted", message);
  }

  terminated(pod: Pod, terminated: Terminated): void {
    const eviction = this.#evictions.get(pod.metadata.uid);
    this.#evictions.delete(pod.metadata.uid);
    this.#store.edit("pods", pod, (draft) => {
      setState(draft, { terminated }, false);
      if (eviction === undefined) return;
      draft.status.phase = "Failed";
      draft.status.reason = "Evicted";
      draft.status.message = eviction;
      setCondition(draft, "DisruptionTarget", true, { reason: "TerminationByKubelet", message: eviction });
    });
    this.#finishDeletion(pod);
  }

  /** The pod was deleted or evicted before its container could start. */
  neverRan(pod: Pod): void {
    this.terminated(pod, {
      exitCode: 137,
      reason: "ContainerStatusUnknown",
      message: lostMessage,
      finishedAt: timestamp(),
    });
  }

  #finishDeletion(pod: Pod): void {
    const current = this.#store.current("pods", pod);
    if (current?.metadata.deletionTimestamp !== undefined)
      this.#deletion.delete("pods", current, { gracePeriodSeconds: 0 });
  }

  #record(pod: Pod, type: Notice["type"], reason: string, message: string): void {
    const current = this.#store.current("pods", pod);
    if (current !== undefined) this.#events.record(current, { type, reason, message, component: "kubelet" });
  }
}

import type { ControlPlane } from "./control-plane.ts";
import type { Pod } from "./object-schemas.ts";
import { podName, setCondition } from "./pods.ts";

/** What the control plane does to a pod some time after its node went silent. */
export const markUnready = ({ store, events }: Pick<ControlPlane, "store" | "events">, pod: Pod): void => {
  store.edit("pods", pod, (draft) => setCondition(draft, "Ready", false));
  const message = "Node is not ready";
  events.record(pod, { type: "Warning", reason: "NodeNotReady", message, component: "node-controller" });
};

/** What the control plane does to a pod whose node is lost: it marks the pod, and tries in vain to delete it. */
export const markLost = ({ store, deletion, events }: ControlPlane, pod: Pod): void => {
  markUnready({ store, events }, pod);
  const warn = (reason: string, message: string, component: string): void =>
    events.record(pod, { type: "Warning", reason, message, component });
  store.edit("pods", pod, (draft) =>
    setCondition(draft, "DisruptionTarget", true, {
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
    }),
  );
  warn("TaintManagerEviction", `Marking for deletion Pod ${podName(pod)}`, "taint-eviction-controller");
  deletion.delete("pods", pod);
};

import type { ControlPlane } from "./control-plane.ts";
import type { Pod } from "./object-schemas.ts";
import { podName, setCondition } from "./pods.ts";

/** What the control plane does to a pod whose node it does not hear of any more: it marks it, and deletes it in vain. */
export const markLost = ({ store, deletion, events }: ControlPlane, pod: Pod): void => {
  store.edit("pods", pod, (draft) => setCondition(draft, "Ready", false));
  const warn = (reason: string, message: string, component: string): void =>
    events.record(pod, { type: "Warning", reason, message, component });
  warn("NodeNotReady", "Node is not ready", "node-controller");
  store.edit("pods", pod, (draft) =>
    setCondition(draft, "DisruptionTarget", true, {
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
    }),
  );
  warn("TaintManagerEviction", `Marking for deletion Pod ${podName(pod)}`, "taint-eviction-controller");
  deletion.delete("pods", pod);
};

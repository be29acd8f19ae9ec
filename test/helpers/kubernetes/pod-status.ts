import type { ContainerState, Pod } from "./object-schemas.ts";
import { qosClassOf } from "./pod-defaults.ts";
import { setCondition } from "./pods.ts";
import { timestamp } from "./time.ts";

export type Addresses = { readonly podIP: string; readonly hostIP: string };

/** What the kubelet writes when it takes over a pod. */
export const takenOver = (pod: Pod, { podIP, hostIP }: Addresses): void => {
  const { status } = pod;
  status.startTime = timestamp();
  status["hostIP"] = hostIP;
  status["hostIPs"] = [{ ip: hostIP }];
  status["podIP"] = podIP;
  status["podIPs"] = [{ ip: podIP }];
  status["qosClass"] = qosClassOf(pod.spec);
  setCondition(pod, "Initialized", true);
};

/** Sets the state of the pod's container, and the fields that follow from it. */
export const setState = (pod: Pod, state: ContainerState, isReady: boolean): void => {
  const { status, spec } = pod;
  status.containerStatuses = spec.containers.map(({ name, image }) => ({
    name,
    state,
    lastState: {},
    ready: isReady,
    started: state.running !== undefined,
    restartCount: 0,
    image,
    imageID: state.waiting === undefined ? `local://${image}` : "",
    ...(state.waiting === undefined ? { containerID: `local://${pod.metadata.uid}` } : {}),
  }));
  if (state.running !== undefined) status.phase = "Running";
  if (state.terminated !== undefined) status.phase = state.terminated.exitCode === 0 ? "Succeeded" : "Failed";
  setReadiness(pod, isReady);
};

const setReadiness = (pod: Pod, isReady: boolean): void => {
  const { phase } = pod.status;
  const names = pod.spec.containers.map(({ name }) => name).join(" ");
  const unready = { reason: "ContainersNotReady", message: `containers with unready status: [${names}]` };
  const why = isReady
    ? {}
    : phase === "Succeeded"
      ? { reason: "PodCompleted" }
      : phase === "Failed"
        ? { reason: "PodFailed" }
        : unready;
  setCondition(pod, "Ready", isReady, why);
  setCondition(pod, "ContainersReady", isReady, why);
};

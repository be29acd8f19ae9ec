import type { LauncherCondition } from "../../shared/protocol/agent.ts";

/** Why a runner ends that exceeded its limits, and why a job fails whose pods are refused. */
export const evicted = { code: "Evicted", message: "it used more disk than its limit" };
export const refusal = { code: "InvalidPod", message: "the pods of this job are not valid" };

/** What can keep the runners of a job from starting. */
export const troubles: readonly (readonly LauncherCondition[])[] = [
  [],
  [{ type: "Unschedulable", message: "no node has room" }],
  [{ type: "ImagePullBackOff", message: "no such image" }],
  [
    { type: "Unschedulable", message: "no node has a GPU" },
    { type: "QuotaExceeded", message: "the namespace has no room" },
  ],
];

/** A permission that the agent needs. The manifest's Roles grant exactly these. */
export type Permission = {
  readonly namespace: "jobs" | "agent";
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Limits the permission to the object of this name. */
  readonly name?: "jobs namespace" | "lease";
  readonly why: string;
};

/** The lease that makes one agent of several the leader. */
export const leaseName = "edgefold-agent";

export const permissions: readonly Permission[] = [
  {
    namespace: "jobs",
    group: "batch",
    resource: "jobs",
    verbs: ["create", "list", "watch", "patch", "delete"],
    why: "starts, watches, scales and removes the runners of each job",
  },
  {
    namespace: "jobs",
    group: "",
    resource: "pods",
    verbs: ["list", "watch", "delete"],
    why: "sees why pods do not start or have ended, and removes those whose node was lost",
  },
  {
    namespace: "jobs",
    group: "",
    resource: "pods/status",
    verbs: ["patch"],
    why: "says that a pod has failed whose node was lost: until then its Job puts no other in its place",
  },
  {
    namespace: "jobs",
    group: "",
    resource: "secrets",
    verbs: ["create"],
    why: "hands each job's token to its pods; it can read, change and delete no Secret, as each goes with its Job",
  },
  {
    namespace: "jobs",
    group: "",
    resource: "events",
    verbs: ["list", "watch"],
    why: "sees quotas and admission refusing pods, which is said nowhere else",
  },
  {
    namespace: "jobs",
    group: "",
    resource: "namespaces",
    verbs: ["get"],
    name: "jobs namespace",
    why: "its uid is the cluster's own id, to which its name at the Worker is bound",
  },
  {
    namespace: "agent",
    group: "coordination.k8s.io",
    resource: "leases",
    verbs: ["create"],
    why: "makes the lease by which one of several agents leads",
  },
  {
    namespace: "agent",
    group: "coordination.k8s.io",
    resource: "leases",
    verbs: ["get", "update"],
    name: "lease",
    why: "takes and renews it",
  },
];

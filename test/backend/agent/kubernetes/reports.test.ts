import { describe, expect, it } from "vitest";
import {
  conditionsOf,
  EventSchema,
  isFinished,
  JobSchema,
  refusalType,
} from "../../../../backend/agent/launchers/kubernetes/job-report.ts";
import { LostPods } from "../../../../backend/agent/launchers/kubernetes/lost-pods.ts";
import { blockOf, endOf, PodSchema, type Pod } from "../../../../backend/agent/launchers/kubernetes/pod-report.ts";
import { KubernetesSettingsSchema, refusalOf } from "../../../../backend/agent/launchers/kubernetes/settings.ts";

const pod = (status: Record<string, unknown>, metadata: Record<string, unknown> = {}): Pod =>
  PodSchema.parse({
    metadata: { name: "p", uid: "u", creationTimestamp: "2026-01-01T00:00:10Z", ...metadata },
    spec: { nodeName: "n", containers: [{ image: "the/image:1", resources: { limits: { memory: "1Gi" } } }] },
    status,
  });
const waiting = (reason: string, message?: string) => ({
  containerStatuses: [{ state: { waiting: { reason, message } } }],
});
const terminated = (state: Record<string, unknown>) => ({
  phase: "Failed",
  containerStatuses: [{ state: { terminated: state } }],
});
const disruption = (reason: string, message?: string) => ({
  phase: "Failed",
  conditions: [{ type: "DisruptionTarget", status: "True", reason, message }],
});

describe("a pod that has ended", () => {
  it.each<[what: string, status: Record<string, unknown>, reason: string, code?: string, isDisrupted?: boolean]>([
    [
      "out of memory",
      terminated({ exitCode: 137, reason: "OOMKilled" }),
      "The pod p used more memory than its limit, 1Gi (OOMKilled); resources.memory sets it.",
      "OOMKilled",
    ],
    [
      "evicted for another's sake",
      { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." },
      "The pod p was evicted: The node was low on resource: memory.",
    ],
    [
      "evicted for its disk",
      { phase: "Failed", reason: "Evicted", message: 'Usage of EmptyDir volume "work" exceeds the limit "1Gi".' },
      'The pod p was evicted: Usage of EmptyDir volume "work" exceeds the limit "1Gi".',
      "Evicted",
    ],
    [
      "with its node",
      disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
      "The pod p, whose node n was lost, was ended by the cluster (DeletionByTaintManager: Taint manager: deleting due to NoExecute taint)",
      undefined,
      true,
    ],
    [
      "preempted",
      disruption("PreemptionByScheduler", "default-scheduler: preempting"),
      "The pod p was ended by the cluster (PreemptionByScheduler: default-scheduler: preempting)",
      undefined,
      true,
    ],
    [
      "with an error",
      terminated({ exitCode: 1, reason: "Error", message: "cannot find it\n" }),
      "The pod p ended with exit code 1: cannot find it",
    ],
    ["by a signal", terminated({ exitCode: 137, signal: 9, reason: "Error" }), "The pod p ended with signal 9"],
    [
      "by its node's shutdown",
      { phase: "Failed", reason: "Terminated", message: "shutdown" },
      "The pod p was ended by the cluster (Terminated: shutdown)",
      undefined,
      true,
    ],
    [
      "past its deadline",
      { phase: "Failed", reason: "DeadlineExceeded" },
      "The pod p was ended by the cluster (DeadlineExceeded)",
    ],
    [
      "evicted by its node, which says so twice",
      { ...disruption("TerminationByKubelet"), reason: "Evicted", message: "The node was low on resource: memory." },
      "The pod p was evicted: The node was low on resource: memory.",
    ],
    ["by being deleted", {}, "The pod p was deleted"],
  ])("%s", (_, status, reason, code, isDisrupted = false) => {
    const end = endOf(pod(status));
    expect(end.reason.startsWith(reason)).toBe(true);
    expect(end.failure?.code).toBe(code);
    expect(end.disrupted ?? false).toBe(isDisrupted);
  });
});

describe("a deleted pod that stays", () => {
  const deleted = pod({}, { deletionTimestamp: "2026-01-01T00:00:40Z", deletionGracePeriodSeconds: 20 });
  let now = 5_000;
  const lost = new LostPods(30_000, () => now);

  it.each([
    ["when first seen, whatever the time of day there and here", 5_000, []],
    ["within its grace period", 24_999, []],
    ["soon after its grace period", 54_999, []],
    ["well after its grace period", 55_000, [deleted]],
  ])("%s", (_, at, expected) => {
    now = at;
    expect(lost.among([pod({}, { uid: "other" }), deleted])).toEqual(expected);
  });

  it("is forgotten when it is gone", () => {
    expect(lost.among([])).toEqual([]);
    expect(lost.among([deleted])).toEqual([]);
  });
});

describe("a pod that does not start", () => {
  it.each<[Record<string, unknown>, string, string]>([
    [
      waiting("ErrImagePull", "not found"),
      "ImagePullBackOff",
      "The pod p of the image the/image:1 cannot start: not found",
    ],
    [
      waiting("ImagePullBackOff", "Back-off"),
      "ImagePullBackOff",
      "The pod p of the image the/image:1 cannot start: Back-off",
    ],
    [
      {
        conditions: [
          { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes are available" },
        ],
      },
      "Unschedulable",
      "The pod p finds no node: 0/3 nodes are available",
    ],
    [
      waiting("CreateContainerConfigError", 'secret "s" not found'),
      "SecretMissing",
      'The pod p cannot start: secret "s" not found',
    ],
    [
      waiting("CreateContainerConfigError", "couldn't find key k in Secret jobs/s"),
      "SecretMissing",
      "The pod p cannot start: couldn't find key k in Secret jobs/s",
    ],
    [
      waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"),
      "CreateContainerConfigError",
      "The pod p cannot start: container has runAsNonRoot and image will run as root",
    ],
  ])("%j", (status, type, message) => {
    expect(blockOf(pod(status))).toEqual({ type, message });
  });

  it("is left alone while that is normal", () => {
    expect(blockOf(pod(waiting("ContainerCreating")))).toBeUndefined();
    expect(blockOf(pod({}))).toBeUndefined();
    expect(blockOf(pod(waiting("ImagePullBackOff"), { deletionTimestamp: "2026-01-01T00:00:00Z" }))).toBeUndefined();
  });
});

const job = (spec: Record<string, unknown> = {}, status?: Record<string, unknown>) =>
  JobSchema.parse({ metadata: { name: "j", uid: "u" }, spec: { parallelism: 1, ...spec }, status });
const failedCreate = (message: string, lastTimestamp = "2026-01-01T00:00:20Z") =>
  EventSchema.parse({
    metadata: { name: "e" },
    involvedObject: { kind: "Job", name: "j" },
    reason: "FailedCreate",
    message,
    lastTimestamp,
  });

describe("a job", () => {
  const quota = 'pods "x" is forbidden: exceeded quota: pods';
  const ended = pod(terminated({ exitCode: 1 }));

  it("says why no pods are created, while there is none", () => {
    expect(conditionsOf(job(), [], [failedCreate(quota)], false)).toEqual([{ type: "QuotaExceeded", message: quota }]);
    expect(conditionsOf(job(), [pod({})], [failedCreate(quota)], false)).toEqual([]);
    expect(conditionsOf(job({ parallelism: 2 }), [pod({})], [failedCreate(quota)], false)).toHaveLength(1);
    expect(
      conditionsOf(job({ parallelism: 2 }), [pod({})], [failedCreate(quota, "2026-01-01T00:00:00Z")], false),
    ).toEqual([]);
  });

  it("says why it has no runner if they fail at start and none is up", () => {
    const up = pod({ phase: "Running", containerStatuses: [{ state: { running: {} } }] });
    expect(conditionsOf(job(), [ended], [], true)).toMatchObject([{ type: "RunnersCannotStart" }]);
    // A runner that worked before is simply replaced.
    expect(conditionsOf(job(), [ended], [], false)).toEqual([]);
    expect(conditionsOf(job(), [ended, up], [], true)).toEqual([]);
  });

  it("says that it is suspended", () => {
    expect(conditionsOf(job({ suspend: true }), [], [], false)).toMatchObject([{ type: "Suspended" }]);
  });

  it.each([
    [true, { type: "Complete", status: "True" }],
    [true, { type: "Failed", status: "True" }],
    [true, { type: "FailureTarget", status: "True" }],
    [false, { type: "Suspended", status: "True" }],
    [false, { type: "Failed", status: "False" }],
  ])("has finished: %s, with %j", (finished, condition) => {
    expect(isFinished(job({}, { conditions: [condition] }))).toBe(finished);
  });

  it.each([
    [quota, "QuotaExceeded"],
    ['pods "x" is forbidden: violates PodSecurity "restricted:latest": …', "AdmissionRefused"],
    ['admission webhook "policy.example.com" denied the request: no', "AdmissionRefused"],
    ['serviceaccount "x" not found', "PodsCannotBeCreated"],
  ])("%s is %s", (message, type) => {
    expect(refusalType(message)).toBe(type);
  });
});

describe("what a cluster allows", () => {
  const settings = KubernetesSettingsSchema.parse({
    RUNNER_IMAGE: "own:1",
    ALLOWED_IMAGES: "registry.example.com/team/*, exact:1",
    ALLOWED_SERVICE_ACCOUNTS: "",
  });

  it.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ image: "own:1" }, true],
    [{ image: "registry.example.com/team/a:1" }, true],
    [{ image: "registry-example.com/team/a:1" }, false],
    [{ image: "exact:1" }, true],
    [{ image: "exact:12" }, false],
    [{ serviceAccountName: "edgefold-runner" }, true],
    [{ serviceAccountName: "other" }, false],
  ])("%j: %s", (pods, allowed) => {
    expect(refusalOf({ credentialSecrets: [], ...pods }, settings) === undefined).toBe(allowed);
  });
});

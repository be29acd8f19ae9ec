import { expect, it } from "vitest";
import { unknownFields } from "../../helpers/kubernetes/schema.ts";

const job = (container: object, spec: object = {}): object => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "a", labels: { "app.kubernetes.io/name": "b" }, annotations: undefined },
  spec: { ...spec, template: { spec: { restartPolicy: "Never", containers: [{ name: "c", ...container }] } } },
});
const at = "spec.template.spec.containers[0]";

it.each([
  ["a job", job({ command: ["d"], resources: { limits: { cpu: "1" } }, tty: false }, { parallelism: 2 })],
  ["what is not set", job({ env: [{ name: "E", value: undefined }], image: null })],
  ["a port by name and by number", job({ livenessProbe: { httpGet: { port: "health" }, tcpSocket: { port: 1 } } })],
  ["a secret", { apiVersion: "v1", kind: "Secret", metadata: {}, data: { token: "YQ==" } }],
  [
    "a list",
    { apiVersion: "v1", kind: "PodList", metadata: { continue: "", resourceVersion: "1" }, items: [{ spec: {} }] },
  ],
  ["an event of each group", { apiVersion: "v1", kind: "Event", involvedObject: {}, count: 1 }],
  ["an event of each group", { apiVersion: "events.k8s.io/v1", kind: "Event", regarding: {}, note: "" }],
  [
    "a lease",
    { apiVersion: "coordination.k8s.io/v1", kind: "Lease", spec: { renewTime: "2026-01-01T00:00:00.000000Z" } },
  ],
  ["a time", { apiVersion: "v1", kind: "Pod", metadata: { creationTimestamp: new Date() } }],
])("knows the fields of %s", (_, object) => {
  expect(unknownFields(object)).toEqual([]);
});

it.each([
  [job({ cmd: [] }), `${at}.cmd is unknown`],
  [job({}, { paralellism: 1 }), "spec.paralellism is unknown"],
  [job({ command: "d" }), `${at}.command is not a list`],
  [job({ args: [1] }), `${at}.args[0] is not a string`],
  [job({ resources: { limits: { "nvidia.com/gpu": 1 } } }), `${at}.resources.limits["nvidia.com/gpu"] is not a string`],
  [job({ resources: [] }), `${at}.resources is not an object`],
  [job({ tty: "true" }), `${at}.tty is not a boolean`],
  [job({}, { parallelism: 1.5 }), "spec.parallelism is not an integer of 32 bits"],
  [job({}, { parallelism: 2 ** 31 }), "spec.parallelism is not an integer of 32 bits"],
  [
    job({ livenessProbe: { httpGet: { port: 1.5 } } }),
    `${at}.livenessProbe.httpGet.port is not an integer or a string`,
  ],
  [{ apiVersion: "v1", kind: "Secret", data: { token: "a-b" } }, "data.token is not Base64"],
  [
    { apiVersion: "v1", kind: "Pod", metadata: { creationTimestamp: "today" } },
    "metadata.creationTimestamp is not a time",
  ],
  [
    { apiVersion: "coordination.k8s.io/v1", kind: "Lease", spec: { renewTime: "2026-01-01T00:00:00.000Z" } },
    "spec.renewTime is not a time with microseconds",
  ],
  [
    { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", spec: { ingress: [{ _from: [] }] } },
    "spec.ingress[0]._from is unknown",
  ],
  [{ apiVersion: "apps/v1", kind: "Job" }, "kind Job is unknown in apiVersion apps/v1"],
  [{ apiVersion: "batch/v7", kind: "Job" }, "kind Job is unknown in apiVersion batch/v7"],
  [{ spec: {} }, "kind undefined is unknown in apiVersion undefined"],
])("finds the errors in %j", (object, fault) => {
  expect(unknownFields(object)).toEqual([fault]);
});

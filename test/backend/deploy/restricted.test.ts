import type { V1Container, V1PodSpec } from "@kubernetes/client-node";
import { expect, it } from "vitest";
import { restrictedViolations } from "../../helpers/kubernetes/restricted.ts";

type PodSpec = Pick<V1PodSpec, keyof V1PodSpec>;
type Context<Of extends { securityContext?: object }> = Pick<
  NonNullable<Of["securityContext"]>,
  keyof NonNullable<Of["securityContext"]>
>;

const container = { name: "c", securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } };
const pod = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  containers: [container],
};
const withContainer = (securityContext: Context<V1Container>, rest: object = {}): PodSpec => ({
  ...pod,
  containers: [{ ...container, ...rest, securityContext: { ...container.securityContext, ...securityContext } }],
});
const withPod = (securityContext: Context<V1PodSpec>, rest: object = {}): PodSpec => ({
  ...pod,
  ...rest,
  securityContext: { ...pod.securityContext, ...securityContext },
});
const everyVolume = [
  { configMap: {} },
  { csi: { driver: "d" } },
  { downwardAPI: {} },
  { emptyDir: {} },
  { ephemeral: {} },
  { image: {} },
  { persistentVolumeClaim: { claimName: "p" } },
  { projected: {} },
  { secret: {} },
].map((volume, index) => ({ name: `v${index}`, ...volume }));

it.each<[string, PodSpec]>([
  ["a pod that says all", pod],
  [
    "a pod whose containers say all",
    {
      ...withContainer({ runAsNonRoot: true, seccompProfile: { type: "Localhost", localhostProfile: "l" } }),
      securityContext: {},
    },
  ],
  [
    "what is allowed",
    withContainer({ capabilities: { add: ["NET_BIND_SERVICE"], drop: ["KILL", "ALL"] }, procMount: "Default" }),
  ],
  [
    "safe sysctls and SELinux types",
    withPod({
      sysctls: [{ name: "net.ipv4.tcp_rmem", value: "" }],
      seLinuxOptions: { type: "container_t", level: "l" },
    }),
  ],
  ["volumes", { ...pod, volumes: everyVolume }],
  ["root in a user namespace", withPod({ runAsUser: 0, runAsNonRoot: false }, { hostUsers: false })],
  ["Windows", { os: { name: "windows" }, securityContext: { runAsNonRoot: true }, containers: [{ name: "c" }] }],
  [
    "a container's port and probe",
    withContainer({}, { ports: [{ containerPort: 1 }], livenessProbe: { httpGet: { port: 1 } } }),
  ],
])("allows %s", (_, spec) => {
  expect(restrictedViolations(spec)).toEqual([]);
});

it("lists everything that a bare pod lacks", () => {
  expect(restrictedViolations({ containers: [{ name: "a" }], initContainers: [{ name: "b" }] })).toEqual([
    'allowPrivilegeEscalation != false (containers "b", "a" must set securityContext.allowPrivilegeEscalation=false)',
    'unrestricted capabilities (containers "b", "a" must set securityContext.capabilities.drop=["ALL"])',
    'runAsNonRoot != true (pod or containers "b", "a" must set securityContext.runAsNonRoot=true)',
    'seccompProfile (pod or containers "b", "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ]);
});

it.each<[string, PodSpec]>([
  [
    'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
    withPod({ appArmorProfile: { type: "Unconfined" } }),
  ],
  [
    "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)",
    { ...pod, hostNetwork: true, hostPID: true, hostIPC: true },
  ],
  [
    'hostPort (container "c" uses hostPorts 1, 2)',
    withContainer(
      {},
      {
        ports: [
          { containerPort: 1, hostPort: 1 },
          { containerPort: 2, hostPort: 2 },
        ],
      },
    ),
  ],
  [
    'probe or lifecycle host (container "c" uses probe or lifecycle hosts "a", "b")',
    withContainer(
      {},
      {
        livenessProbe: { httpGet: { port: 1, host: "a" } },
        lifecycle: { preStop: { tcpSocket: { port: 1, host: "b" } } },
      },
    ),
  ],
  [
    'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "t"; user may not be set; role may not be set)',
    withPod({ seLinuxOptions: { type: "t", user: "u", role: "r" } }),
  ],
  ["forbidden sysctls (kernel.msgmax)", withPod({ sysctls: [{ name: "kernel.msgmax", value: "1" }] })],
  [
    'hostProcess (pod and container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    {
      ...withContainer({ windowsOptions: { hostProcess: true } }),
      securityContext: { ...pod.securityContext, windowsOptions: { hostProcess: true } },
    },
  ],
  ['privileged (container "c" must not set securityContext.privileged=true)', withContainer({ privileged: true })],
  [
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
    withContainer({ allowPrivilegeEscalation: true }),
  ],
  [
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    withContainer({ capabilities: { add: ["CHOWN"], drop: ["KILL"] } }),
  ],
  [
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    withContainer({ procMount: "Unmasked" }),
  ],
  [
    'restricted volume types (volumes "h", "n" use restricted volume types "hostPath", "nfs")',
    {
      ...pod,
      volumes: [
        { name: "h", hostPath: { path: "/" } },
        { name: "e", emptyDir: {} },
        { name: "n", nfs: { path: "/", server: "s" } },
      ],
    },
  ],
  [
    'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)',
    withContainer({ runAsNonRoot: false }),
  ],
  ["runAsUser=0 (pod must not set runAsUser=0)", withPod({ runAsUser: 0 })],
  [
    'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    withContainer({ seccompProfile: { type: "Unconfined" } }),
  ],
])("refuses %s", (violation, spec) => {
  expect(restrictedViolations(spec)).toEqual([violation]);
});

import type {
  V1Container,
  V1LifecycleHandler,
  V1PodSpec,
  V1Probe,
  V1SecurityContext,
  V1Volume,
} from "@kubernetes/client-node";

/**
 * How a pod violates the Pod Security Standard "restricted", which includes "baseline", in the words of Kubernetes 1.36: joined
 * with `, ` they form the text with which it refuses the pod (where `procMount` appears twice). Checks the spec as given:
 * neither the annotations that older versions used for AppArmor, nor the host ports implied by `hostNetwork`.
 *
 * https://kubernetes.io/docs/concepts/security/pod-security-standards
 */
export const restrictedViolations = (pod: V1PodSpec): string[] =>
  checks.map((check) => check(pod)).filter((violation) => violation !== undefined);

type Check = (pod: V1PodSpec) => string | undefined;

const containersOf = (pod: V1PodSpec): V1Container[] => [
  ...(pod.initContainers ?? []),
  ...pod.containers,
  ...(pod.ephemeralContainers ?? []),
];

const plural = (count: number, one: string, many = `${one}s`): string => (count === 1 ? one : many);
const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
const named = (kind: string, names: readonly string[]): string => `${plural(names.length, kind)} ${quoted(names)}`;
const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort();

/** The names of the containers for which `is` holds. */
const containersThat = (pod: V1PodSpec, is: (container: V1Container) => boolean): string[] =>
  containersOf(pod)
    .filter(is)
    .map(({ name }) => name);

/** Where a bad setting is made in the security contexts of pod and containers: `pod and container "a"`, or undefined. */
const settersOf = (pod: V1PodSpec, bad: (context: SharedContext) => boolean): string | undefined => {
  const containers = containersThat(pod, ({ securityContext }) => bad(securityContext ?? {}));
  const setters = [
    ...(bad(pod.securityContext ?? {}) ? ["pod"] : []),
    ...(containers.length === 0 ? [] : [named("container", containers)]),
  ];
  return setters.length === 0 ? undefined : setters.join(" and ");
};

/** The fields that the security contexts of pods and containers share. */
type SharedContext = Pick<
  V1SecurityContext,
  "appArmorProfile" | "runAsNonRoot" | "runAsUser" | "seccompProfile" | "seLinuxOptions" | "windowsOptions"
>;

const contextsOf = (pod: V1PodSpec): SharedContext[] => [
  pod.securityContext ?? {},
  ...containersOf(pod).map(({ securityContext }) => securityContext ?? {}),
];

/** Rules that have no meaning on Windows do not apply there. */
const isWindows = (pod: V1PodSpec): boolean => pod.os?.name === "windows";
/** In its own user namespace, root is an unprivileged user on the node. */
const hasUserNamespace = (pod: V1PodSpec): boolean => pod.hostUsers === false;

/** Of AppArmor and of seccomp. */
const isWeakProfile = (type: string | undefined): type is string =>
  type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";

const appArmor: Check = (pod) => {
  const setters = settersOf(pod, ({ appArmorProfile }) => isWeakProfile(appArmorProfile?.type));
  if (setters === undefined) return undefined;
  const types = distinct(
    contextsOf(pod)
      .flatMap(({ appArmorProfile }) => appArmorProfile?.type ?? [])
      .filter(isWeakProfile),
  );
  return `forbidden AppArmor ${plural(types.length, "profile")} (${setters} must not set AppArmor profile type to ${quoted(types)})`;
};

const hostNamespaces: Check = (pod) => {
  const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => pod[field] === true);
  return shared.length === 0 ? undefined : `host namespaces (${shared.map((field) => `${field}=true`).join(", ")})`;
};

const hostPortsOf = ({ ports }: V1Container): number[] => (ports ?? []).flatMap(({ hostPort }) => hostPort || []);

const hostPorts: Check = (pod) => {
  const containers = containersThat(pod, (container) => hostPortsOf(container).length > 0);
  if (containers.length === 0) return undefined;
  const ports = distinct(containersOf(pod).flatMap(hostPortsOf).map(String));
  const uses = `${plural(containers.length, "uses", "use")} ${plural(ports.length, "hostPort")}`;
  return `hostPort (${named("container", containers)} ${uses} ${ports.join(", ")})`;
};

const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: V1Container): string[] => {
  const handlers: (V1Probe | V1LifecycleHandler | undefined)[] = [livenessProbe, readinessProbe, startupProbe];
  return [...handlers, lifecycle?.postStart, lifecycle?.preStop].flatMap((handler) =>
    [handler?.httpGet?.host || [], handler?.tcpSocket?.host || []].flat(),
  );
};

const probeHosts: Check = (pod) => {
  const containers = distinct(containersThat(pod, (container) => hostsOf(container).length > 0));
  if (containers.length === 0) return undefined;
  const hosts = distinct(containersOf(pod).flatMap(hostsOf));
  const uses = `${plural(containers.length, "uses", "use")} ${plural(hosts.length, "probe or lifecycle host")}`;
  return `probe or lifecycle host (${named("container", containers)} ${uses} ${quoted(hosts)})`;
};

const privileged: Check = (pod) => {
  const containers = containersThat(pod, ({ securityContext }) => securityContext?.privileged === true);
  if (containers.length === 0) return undefined;
  return `privileged (${named("container", containers)} must not set securityContext.privileged=true)`;
};

const seLinux: Check = (pod) => {
  const types = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
  const isBad = (type: string | undefined): type is string => !types.includes(type ?? "");
  const setters = settersOf(
    pod,
    ({ seLinuxOptions: options }) => isBad(options?.type) || Boolean(options?.user || options?.role),
  );
  if (setters === undefined) return undefined;
  const all = contextsOf(pod).flatMap(({ seLinuxOptions }) => seLinuxOptions ?? []);
  const bad = distinct(all.map(({ type }) => type).filter(isBad));
  const why = [
    ...(bad.length === 0 ? [] : [named("type", bad)]),
    ...(all.some(({ user }) => user) ? ["user may not be set"] : []),
    ...(all.some(({ role }) => role) ? ["role may not be set"] : []),
  ];
  return `seLinuxOptions (${setters} set forbidden securityContext.seLinuxOptions: ${why.join("; ")})`;
};

const safeSysctls = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);

const sysctls: Check = (pod) => {
  const names = (pod.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safeSysctls.has(name));
  return names.length === 0 ? undefined : `forbidden sysctls (${names.join(", ")})`;
};

const hostProcess: Check = (pod) => {
  const setters = settersOf(pod, ({ windowsOptions }) => windowsOptions?.hostProcess === true);
  if (setters === undefined) return undefined;
  return `hostProcess (${setters} must not set securityContext.windowsOptions.hostProcess=true)`;
};

const privilegeEscalation: Check = (pod) => {
  if (isWindows(pod)) return undefined;
  const containers = containersThat(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (containers.length === 0) return undefined;
  const must = "must set securityContext.allowPrivilegeEscalation=false";
  return `allowPrivilegeEscalation != false (${named("container", containers)} ${must})`;
};

const addedBy = ({ securityContext }: V1Container): string[] =>
  (securityContext?.capabilities?.add ?? []).filter((capability) => capability !== "NET_BIND_SERVICE");

const capabilities: Check = (pod) => {
  if (isWindows(pod)) return undefined;
  const keeping = containersThat(
    pod,
    ({ securityContext }) => securityContext?.capabilities?.drop?.includes("ALL") !== true,
  );
  const adding = containersThat(pod, (container) => addedBy(container).length > 0);
  const list = quoted(distinct(containersOf(pod).flatMap(addedBy)));
  const why = [
    ...(keeping.length === 0
      ? []
      : [`${named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
    ...(adding.length === 0
      ? []
      : [`${named("container", adding)} must not include ${list} in securityContext.capabilities.add`]),
  ];
  return why.length === 0 ? undefined : `unrestricted capabilities (${why.join("; ")})`;
};

const isUnusualMount = (mount: string | undefined): mount is string => (mount ?? "Default") !== "Default";

const procMount: Check = (pod) => {
  const containers = containersThat(pod, ({ securityContext }) => isUnusualMount(securityContext?.procMount));
  if (containers.length === 0) return undefined;
  const mounts = distinct(
    containersOf(pod)
      .map(({ securityContext }) => securityContext?.procMount)
      .filter(isUnusualMount),
  );
  return `procMount (${named("container", containers)} must not set securityContext.procMount to ${quoted(mounts)})`;
};

const volumeTypes: ReadonlySet<string> = new Set<keyof V1Volume>([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);

const volumeTypeOf = (volume: V1Volume): string =>
  Object.entries(volume).find(([field, value]) => field !== "name" && value)?.[0] ?? "unknown";

const volumes: Check = (pod) => {
  const bad = (pod.volumes ?? []).filter((volume) => !volumeTypes.has(volumeTypeOf(volume)));
  if (bad.length === 0) return undefined;
  const types = distinct(bad.map(volumeTypeOf));
  const uses = `${plural(bad.length, "uses", "use")} ${plural(types.length, "restricted volume type")}`;
  const list = named(
    "volume",
    bad.map(({ name }) => name),
  );
  return `restricted volume types (${list} ${uses} ${quoted(types)})`;
};

const nonRoot: Check = (pod) => {
  if (hasUserNamespace(pod)) return undefined;
  const setters = settersOf(pod, ({ runAsNonRoot }) => runAsNonRoot === false);
  if (setters !== undefined) return `runAsNonRoot != true (${setters} must not set securityContext.runAsNonRoot=false)`;
  if (pod.securityContext?.runAsNonRoot === true) return undefined;
  const containers = containersThat(pod, ({ securityContext }) => securityContext?.runAsNonRoot !== true);
  if (containers.length === 0) return undefined;
  return `runAsNonRoot != true (pod or ${named("container", containers)} must set securityContext.runAsNonRoot=true)`;
};

const rootUser: Check = (pod) => {
  if (hasUserNamespace(pod)) return undefined;
  const setters = settersOf(pod, ({ runAsUser }) => runAsUser === 0);
  return setters === undefined ? undefined : `runAsUser=0 (${setters} must not set runAsUser=0)`;
};

const seccomp: Check = (pod) => {
  if (isWindows(pod)) return undefined;
  const setters = settersOf(pod, ({ seccompProfile }) => isWeakProfile(seccompProfile?.type));
  if (setters !== undefined) {
    const types = distinct(
      contextsOf(pod)
        .map(({ seccompProfile }) => seccompProfile?.type)
        .filter(isWeakProfile),
    );
    return `seccompProfile (${setters} must not set securityContext.seccompProfile.type to ${quoted(types)})`;
  }
  if (pod.securityContext?.seccompProfile) return undefined;
  const containers = containersThat(pod, ({ securityContext }) => !securityContext?.seccompProfile);
  if (containers.length === 0) return undefined;
  const must = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
  return `seccompProfile (pod or ${named("container", containers)} ${must})`;
};

/** In the order in which Kubernetes lists them: "baseline" first. */
const checks: readonly Check[] = [
  appArmor,
  hostNamespaces,
  hostPorts,
  probeHosts,
  privileged,
  seLinux,
  sysctls,
  hostProcess,
  privilegeEscalation,
  capabilities,
  procMount,
  volumes,
  nonRoot,
  rootUser,
  seccomp,
];

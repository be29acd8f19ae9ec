import { ApiOperations } from "./api-operations.ts";
import type { Verb } from "./api-request.ts";
import { ApiServer, type Logged } from "./api-server.ts";
import { selfSigned } from "./certificate.ts";
import type { Image } from "./container-command.ts";
import { ControlPlane } from "./control-plane.ts";
import type { Fault } from "./faults.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { Kubelet } from "./kubelet.ts";
import { markLost, markUnready } from "./node-loss.ts";
import type { Job } from "./job-schemas.ts";
import type { Pod } from "./object-schemas.ts";
import { setCondition } from "./pods.ts";
import { PodReport } from "./pod-report.ts";
import { accountUser, Permissions } from "./rbac.ts";
import { labelSelector } from "./selectors.ts";
import { adminUser, Users } from "./users.ts";
import type { Plural } from "./resources.ts";

export type ClusterOptions = {
  /**
   * Documents of an installation. Roles, ClusterRoles and their bindings set the agent's permissions; Namespaces,
   * ServiceAccounts, ConfigMaps and Secrets are created; other kinds are ignored.
   */
  readonly documents?: readonly unknown[];
  /** The images on this machine, by name. A pod with any other image waits for it indefinitely. */
  readonly images?: Readonly<Record<string, Image>>;
  /** The agent's service account. @default edgefold-agent in edgefold */
  readonly agent?: ServiceAccount;
  /** @default {"kubernetes.io/os": "linux"} */
  readonly nodeLabels?: Readonly<Record<string, string>>;
  /** How long a Job waits after a pod's failure, in ms; doubles with each further one, up to 2 s or this value. @default 100 */
  readonly replacementDelayMs?: number;
  /** How many changes are kept for watches. @default 1000 */
  readonly historyLimit?: number;
  /** How often watches get bookmarks, if there is anything new to mark, in ms. @default 500 */
  readonly bookmarkMs?: number;
};

type ServiceAccount = { readonly namespace: string; readonly name: string };

/** An object that exists in the cluster. */
export type Leftover = { readonly kind: string; readonly namespace: string; readonly name: string };

/**
 * A Kubernetes cluster for tests: the API server, the Job and garbage-collection controllers, and one node whose containers are
 * processes on this machine. What it implements behaves as in Kubernetes 1.36.
 */
export class FakeCluster {
  /** The requests of all users, in order, including refused ones. */
  readonly requests: readonly Logged[];
  readonly #control: ControlPlane;
  readonly #kubelet: Kubelet;
  readonly #api: ApiServer;
  readonly #users: Users;
  readonly #certificate: string;
  readonly #agent: ServiceAccount;

  private constructor({ control, kubelet, api, users, certificate, agent }: Parts) {
    this.#control = control;
    this.#kubelet = kubelet;
    this.#api = api;
    this.#users = users;
    this.#certificate = certificate;
    this.#agent = agent;
    this.requests = api.requests;
  }

  static async start(options: ClusterOptions = {}): Promise<FakeCluster> {
    const { documents = [], agent = { namespace: "edgefold", name: "edgefold-agent" } } = options;
    const control = new ControlPlane({
      documents,
      nodeLabels: options.nodeLabels ?? { "kubernetes.io/os": "linux" },
      replacementDelayMs: options.replacementDelayMs ?? 100,
      historyLimit: options.historyLimit ?? 1000,
      bookmarkMs: options.bookmarkMs ?? 500,
    });
    const { store, deletion, registry, events, watches } = control;
    const onError = (error: unknown): unknown => control.errors.push(error);
    const users = new Users();
    const kubelet = await Kubelet.start({
      store,
      report: new PodReport(store, deletion, events),
      images: options.images ?? {},
      tokenOf: (namespace, name) => users.tokenOfAccount(namespace, name),
      onError,
    });
    const identity = selfSigned();
    const permissions = new Permissions(documents);
    const operations = new ApiOperations(store, registry, deletion);
    const api = await ApiServer.start(identity, { operations, watches, users, permissions, onError });
    return new FakeCluster({ control, kubelet, api, users, certificate: identity.certificate, agent });
  }

  /** Ends every process of every pod. @throws AggregateError if a process survives or the cluster itself had an error */
  async stop(): Promise<void> {
    this.#control.stop();
    await this.#api.stop();
    const { errors } = this.#control;
    await this.#kubelet.stop().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, `the cluster has failed: ${errors.map(String).join("; ")}`);
  }

  /** The URL of its API server. */
  get server(): string {
    return `https://127.0.0.1:${this.#api.port}`;
  }

  /** A kubeconfig for clients, as YAML text. */
  kubeconfig({ user }: { readonly user: "admin" | "agent" }): string {
    const { namespace, name } = this.#agent;
    return kubeconfigText({
      server: this.server,
      certificate: this.#certificate,
      user,
      token: this.#users.tokenOf(user === "admin" ? adminUser : accountUser(namespace, name)),
      namespace: user === "admin" ? "default" : namespace,
    });
  }

  /** The existing pods, in order of creation. @param selector of labels */
  pods(selector = ""): Pod[] {
    return this.#control.store.list("pods").filter(labelSelector(selector));
  }

  /** The existing Jobs, in order of creation. @param selector of labels */
  jobs(selector = ""): Job[] {
    return this.#control.store.list("jobs").filter(labelSelector(selector));
  }

  /** What the most recent pod of this name has written to stdout and stderr so far. */
  logs(podName: string): string {
    return this.#kubelet.logs(podName);
  }

  /** The objects created since the cluster started that still exist, except events. */
  objects(): Leftover[] {
    return this.#control.store
      .all()
      .filter(({ plural, object }) => plural !== "events" && !this.#control.isInitial(object.metadata.uid))
      .map(({ object: { kind, metadata } }) => ({ kind, namespace: metadata.namespace ?? "", name: metadata.name }));
  }

  /** Kills all processes of a pod, as `kill -9` on its node does. */
  async kill(pod: Named): Promise<void> {
    await this.#kubelet.runnerOf(this.#pod(pod)).kill();
  }

  /** Kills all processes of a pod, as the kernel does when the pod runs out of memory. */
  async oomKill(pod: Named): Promise<void> {
    await this.#kubelet.runnerOf(this.#pod(pod)).kill("OOMKilled");
  }

  /** Evicts a pod from its node. Resolves when the pod has ended. */
  async evict(pod: Named, message: string): Promise<void> {
    await this.#kubelet.runnerOf(this.#pod(pod)).evict(message);
  }

  /**
   * Loses the node, but only for this pod: its processes are gone, nothing reports their end, and the object is marked for
   * deletion but stays. Even a deletion without a grace period does not remove it until a Job has counted it, that is, until
   * somebody removes its finalizer or marks the pod as failed.
   */
  async loseNode(pod: Named): Promise<void> {
    const found = this.#pod(pod);
    await this.#kubelet.runnerOf(found).lose();
    markLost(this.#control, found);
  }

  /** The first sign of a silent node, but only for this pod: it is marked as not ready, with an event. */
  async silenceNode(pod: Named): Promise<void> {
    markUnready(this.#control, this.#pod(pod));
  }

  /** The node is back, and the pod is still running. */
  async hearNode(pod: Named): Promise<void> {
    this.#control.store.edit("pods", this.#pod(pod), (draft) => setCondition(draft, "Ready", true));
  }

  /** Leaves pods created from now on unscheduled, until called without a message. */
  setUnschedulable(message?: string): void {
    this.#control.scheduler.obstacle = message;
  }

  /** Limits the number of unfinished pods in a namespace. */
  setQuota(maxPods: number | undefined): void {
    this.#control.admission.maxPods = maxPods;
  }

  /** Makes the next requests of a kind fail: refused with a status, or carried out but disconnected before the answer. */
  fail(verb: Verb, resource: Plural, fault: Fault, times = 1): void {
    this.#api.faults.add(verb, resource, fault, times);
  }

  /**
   * Makes the API server unavailable until `restoreApiServer`; pods and controllers keep running.
   * @param how connections are refused, requests are not answered, or requests are refused with a status
   */
  async breakApiServer(how: "refuse" | "hang" | number): Promise<void> {
    this.#control.watches.cut("reset");
    if (how === "refuse") await this.#api.stop();
    else if (how === "hang") this.#api.hang(true);
    else this.#api.outage = how;
  }

  async restoreApiServer(how: "refuse" | "hang" | number): Promise<void> {
    if (how === "refuse") await this.#api.open();
    else if (how === "hang") this.#api.hang(false);
    else this.#api.outage = undefined;
  }

  /** Gives the agent's service account a new token and refuses the previous one from now on. @returns the new one */
  rotateToken(): string {
    const { namespace, name } = this.#agent;
    return this.#users.rotate(accountUser(namespace, name));
  }

  /** The certificate that clients trust. */
  get certificate(): string {
    return this.#certificate;
  }

  /** The number of open watches. */
  get openWatches(): number {
    return this.#control.watches.count;
  }

  /** Ends all watches, as at their timeout, or by breaking their connections. */
  cutWatches(how: "end" | "reset" = "reset"): void {
    this.#control.watches.cut(how);
  }

  /** Forgets past changes, so that watches cannot continue from them, and ends all open watches with that error. */
  expireWatches(): void {
    this.#control.store.forgetHistory();
    this.#control.watches.expire();
  }

  #pod({ metadata }: Named): Pod {
    const found = this.pods().find(
      (pod) =>
        pod.metadata.name === metadata?.name &&
        (metadata.namespace === undefined || metadata.namespace === pod.metadata.namespace),
    );
    if (found === undefined) throw new Error(`there is no pod ${metadata?.name ?? ""}`);
    return found;
  }
}

/** A pod, as this server's object or a client's. */
type Named = { readonly metadata?: { readonly name?: string; readonly namespace?: string } };

type Parts = {
  readonly control: ControlPlane;
  readonly kubelet: Kubelet;
  readonly api: ApiServer;
  readonly users: Users;
  readonly certificate: string;
  readonly agent: ServiceAccount;
};

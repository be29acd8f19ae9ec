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
   * Documents of an installation. Roles, ClusterRoles and their bindings say what the agent may do; Namespaces,
   * ServiceAccounts, ConfigMaps and Secrets are created; others are left out.
   */
  readonly documents?: readonly unknown[];
  /** What images are on this machine, by their names. A pod of another image waits for it for ever. */
  readonly images?: Readonly<Record<string, Image>>;
  /** The agent's service account. @default edgefold-agent in edgefold */
  readonly agent?: ServiceAccount;
  /** @default {"kubernetes.io/os": "linux"} */
  readonly nodeLabels?: Readonly<Record<string, string>>;
  /** How long a Job waits after a pod's failure, in ms; twice as long after each further one, up to 2 s or this. @default 100 */
  readonly replacementDelayMs?: number;
  /** How many changes are remembered for watches. @default 1000 */
  readonly historyLimit?: number;
  /** How often watches get bookmarks, where there is something new to mark, in ms. @default 500 */
  readonly bookmarkMs?: number;
};

type ServiceAccount = { readonly namespace: string; readonly name: string };

/** What there is. */
export type Leftover = { readonly kind: string; readonly namespace: string; readonly name: string };

/**
 * A Kubernetes cluster for tests: the API server, the controllers of Jobs and of garbage, and one node, on which containers are
 * processes of this machine. It behaves as Kubernetes 1.36 does, as far as it goes.
 */
export class FakeCluster {
  /** The requests of all users, in their order, also those that were refused. */
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

  /** Ends every process of every pod. @throws AggregateError where one survives, or something in here went wrong */
  async stop(): Promise<void> {
    this.#control.stop();
    await this.#api.stop();
    const { errors } = this.#control;
    await this.#kubelet.stop().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, `the cluster has failed: ${errors.map(String).join("; ")}`);
  }

  /** Where its API server is. */
  get server(): string {
    return `https://127.0.0.1:${this.#api.port}`;
  }

  /** A configuration for clients, as a text in YAML. */
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

  /** The pods that there are, in the order of their creation. @param selector of labels */
  pods(selector = ""): Pod[] {
    return this.#control.store.list("pods").filter(labelSelector(selector));
  }

  /** The Jobs that there are, in the order of their creation. @param selector of labels */
  jobs(selector = ""): Job[] {
    return this.#control.store.list("jobs").filter(labelSelector(selector));
  }

  /** What the last pod of this name has written on both outputs so far. */
  logs(podName: string): string {
    return this.#kubelet.logs(podName);
  }

  /** What has come since the cluster was started, but for events. */
  objects(): Leftover[] {
    return this.#control.store
      .all()
      .filter(({ plural, object }) => plural !== "events" && !this.#control.isInitial(object.metadata.uid))
      .map(({ object: { kind, metadata } }) => ({ kind, namespace: metadata.namespace ?? "", name: metadata.name }));
  }

  /** Kills all of a pod's processes, as by `kill -9` on its node. */
  async kill(pod: Named): Promise<void> {
    await this.#kubelet.runnerOf(this.#pod(pod)).kill();
  }

  /** Kills all of a pod's processes as the kernel does when its memory is used up. */
  async oomKill(pod: Named): Promise<void> {
    await this.#kubelet.runnerOf(this.#pod(pod)).kill("OOMKilled");
  }

  /** Takes a pod away from its node. Resolves when it has ended. */
  async evict(pod: Named, message: string): Promise<void> {
    await this.#kubelet.runnerOf(this.#pod(pod)).evict(message);
  }

  /**
   * Lets the node of this pod vanish, though of no other pod: its processes are gone, nobody says so, and the object, which is
   * then deleted, stays. Also when it is deleted without a grace period it does, as long as a Job has not counted it: that
   * is so until somebody takes its finalizer away, or says that it has failed.
   */
  async loseNode(pod: Named): Promise<void> {
    const found = this.#pod(pod);
    await this.#kubelet.runnerOf(found).lose();
    markLost(this.#control, found);
  }

  /** What is first seen of a node that falls silent, though of this pod alone: it counts as not ready, with an event. */
  async silenceNode(pod: Named): Promise<void> {
    markUnready(this.#control, this.#pod(pod));
  }

  /** The node is heard of again, and the pod is at work still. */
  async hearNode(pod: Named): Promise<void> {
    this.#control.store.edit("pods", this.#pod(pod), (draft) => setCondition(draft, "Ready", true));
  }

  /** Keeps pods that are created from now on waiting for a node, until it is called without a message. */
  setUnschedulable(message?: string): void {
    this.#control.scheduler.obstacle = message;
  }

  /** Limits how many pods that have not ended there may be in a namespace. */
  setQuota(maxPods: number | undefined): void {
    this.#control.admission.maxPods = maxPods;
  }

  /** Lets the next requests of a kind fail: refused with a status, or done, and the connection broken before the answer. */
  fail(verb: Verb, resource: Plural, fault: Fault, times = 1): void {
    this.#api.faults.add(verb, resource, fault, times);
  }

  /**
   * Takes the API server away, until `restoreApiServer`; pods and controllers go on.
   * @param how connections are refused, requests are not answered, or refused with a status
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

  /** Gives the agent's service account another token. The one before it is refused from now on. @returns the new one */
  rotateToken(): string {
    const { namespace, name } = this.#agent;
    return this.#users.rotate(accountUser(namespace, name));
  }

  /** What a client trusts. */
  get certificate(): string {
    return this.#certificate;
  }

  /** How many watches are open. */
  get openWatches(): number {
    return this.#control.watches.count;
  }

  /** Ends all watches, as at their timeout, or by breaking off their connections. */
  cutWatches(how: "end" | "reset" = "reset"): void {
    this.#control.watches.cut(how);
  }

  /** Forgets what was before, so that watches cannot go on from it, and ends all that are open with that error. */
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

/** A pod, of this server or of a client. */
type Named = { readonly metadata?: { readonly name?: string; readonly namespace?: string } };

type Parts = {
  readonly control: ControlPlane;
  readonly kubelet: Kubelet;
  readonly api: ApiServer;
  readonly users: Users;
  readonly certificate: string;
  readonly agent: ServiceAccount;
};

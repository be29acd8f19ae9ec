import {
  BatchV1Api,
  CoreV1Api,
  ListWatch,
  Watch,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
} from "@kubernetes/client-node";
import type { z } from "zod";
import { Backoff, type BackoffTimes } from "../../../../shared/backoff.ts";
import { EventSchema, jobIdOf, JobSchema, type KubernetesEvent, type KubernetesJob } from "./job-report.ts";
import { ownSelector } from "./names.ts";
import type { Outage } from "./outage.ts";
import { jobIdOf as jobIdOfPod, PodSchema, type Pod } from "./pod-report.ts";

/** A watch that has worked for this long, in milliseconds, counts as healthy. */
const soundMs = 60_000;

type ViewOptions = {
  readonly config: KubeConfig;
  readonly namespace: string;
  readonly cluster: string;
  /** Called when something about this job, or about any job (`undefined`), may have changed. */
  readonly onChange: (jobId: string | undefined) => void;
  /** Called with the current state of one of this cluster's own pods. */
  readonly onPod: (pod: Pod) => void;
  /** Called with the last known state of a pod that no longer exists. */
  readonly onPodGone: (pod: Pod) => void;
  readonly retry: BackoffTimes;
  readonly outage: Outage;
  readonly log: (text: string) => void;
};

/** A watched, up-to-date view of the jobs' namespace. */
export class ClusterView {
  readonly #jobs: Watched<KubernetesJob>;
  readonly #pods: Watched<Pod>;
  readonly #events: Watched<KubernetesEvent>;

  constructor(options: ViewOptions) {
    const { config, namespace, cluster, retry, outage, log, onChange, onPod, onPodGone } = options;
    const common = { retry, outage, log };
    const [batch, core] = [config.makeApiClient(BatchV1Api), config.makeApiClient(CoreV1Api)];
    const labelSelector = ownSelector(cluster);
    this.#jobs = new Watched(config, JobSchema, {
      what: "Jobs",
      path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      list: () => batch.listNamespacedJob({ namespace, labelSelector }),
      labelSelector,
      onSeen: (job) => onChange(jobIdOf(job)),
      onGone: (job) => onChange(jobIdOf(job)),
      ...common,
    });
    this.#pods = new Watched(config, PodSchema, {
      what: "pods",
      path: `/api/v1/namespaces/${namespace}/pods`,
      list: () => core.listNamespacedPod({ namespace, labelSelector }),
      labelSelector,
      onSeen: (pod) => {
        onPod(pod);
        onChange(jobIdOfPod(pod));
      },
      onGone: (pod) => {
        onPodGone(pod);
        onChange(jobIdOfPod(pod));
      },
      ...common,
    });
    const fieldSelector = "type=Warning";
    this.#events = new Watched(config, EventSchema, {
      what: "warnings",
      path: `/api/v1/namespaces/${namespace}/events`,
      list: () => core.listNamespacedEvent({ namespace, fieldSelector }),
      fieldSelector,
      onSeen: () => onChange(undefined),
      onGone: () => undefined,
      ...common,
    });
  }

  /** Starts watching. Resolves when everything that exists has been seen. */
  async start(): Promise<void> {
    await Promise.all([this.#jobs.start(), this.#pods.start(), this.#events.start()]);
  }

  stop(): void {
    for (const watched of [this.#jobs, this.#pods, this.#events]) watched.stop();
  }

  /** Retries failed watches immediately instead of waiting, because the API server answers again. */
  retry(): void {
    for (const watched of [this.#jobs, this.#pods, this.#events]) watched.retry();
  }

  /** Returns the Kubernetes Jobs of all generations of a job. */
  jobsOf(jobId: string): KubernetesJob[] {
    return this.#jobs.all().filter((job) => jobIdOf(job) === jobId);
  }

  podsOf(jobId: string): Pod[] {
    return this.#pods.all().filter((pod) => jobIdOfPod(pod) === jobId);
  }

  pods(): Pod[] {
    return this.#pods.all();
  }

  /** Returns the events of type Warning. */
  warnings(): KubernetesEvent[] {
    return this.#events.all();
  }
}

type WatchedOptions<T> = {
  readonly what: string;
  readonly path: string;
  readonly list: () => Promise<KubernetesListObject<KubernetesObject>>;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly onSeen: (object: T) => void;
  readonly onGone: (object: T) => void;
  readonly retry: BackoffTimes;
  readonly outage: Outage;
  readonly log: (text: string) => void;
};

/** A watched list. The library lists again if a version is too old (410). Resuming after an error is up to this class. */
class Watched<T> {
  readonly #schema: z.ZodType<T>;
  readonly #options: WatchedOptions<T>;
  readonly #backoff: Backoff;
  readonly #informer: ListWatch<KubernetesObject>;
  readonly #listed = Promise.withResolvers<void>();
  #pause: NodeJS.Timeout | undefined;
  #failedAt = -Infinity;
  #stopped = false;

  constructor(config: KubeConfig, schema: z.ZodType<T>, options: WatchedOptions<T>) {
    this.#schema = schema;
    this.#options = options;
    this.#backoff = new Backoff(options.retry);
    const list = async (): Promise<KubernetesListObject<KubernetesObject>> => {
      const listed = await options.list();
      // The informer stores the objects before anything else happens.
      setImmediate(() => this.#listed.resolve());
      return listed;
    };
    const { path, labelSelector, fieldSelector } = options;
    this.#informer = new ListWatch(path, new Watch(config), list, false, labelSelector, fieldSelector);
    const seen = (object: KubernetesObject): void => this.#parsed(object).forEach((parsed) => options.onSeen(parsed));
    this.#informer.on("add", seen);
    this.#informer.on("update", seen);
    this.#informer.on("delete", (object) => this.#parsed(object).forEach((parsed) => options.onGone(parsed)));
    this.#informer.on("error", (error) => this.#failed(error));
  }

  /** Starts watching. Resolves when everything that exists has been listed. */
  async start(): Promise<void> {
    await this.#begin();
    await this.#listed.promise;
  }

  /** Ends the pause after a failure, if any, and tries again. */
  retry(): void {
    if (this.#pause === undefined) return;
    clearTimeout(this.#pause);
    this.#pause = undefined;
    void this.#begin();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#pause);
    void this.#informer.stop();
  }

  all(): T[] {
    return this.#informer.list().flatMap((object) => this.#parsed(object));
  }

  #parsed(object: KubernetesObject): T[] {
    const parsed = this.#schema.safeParse(object);
    if (parsed.success) return [parsed.data];
    this.#options.log(`one of the ${this.#options.what} is not as expected: ${parsed.error.message}`);
    return [];
  }

  get #name(): string {
    return `the ${this.#options.what}`;
  }

  async #begin(): Promise<void> {
    try {
      await this.#informer.start();
    } catch (error) {
      this.#failed(error);
    }
    // `start` reports failures as events, before it resolves.
    if (this.#pause === undefined) this.#options.outage.succeeded(this.#name);
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    if (performance.now() - this.#failedAt > soundMs) this.#backoff.reset();
    this.#failedAt = performance.now();
    this.#options.outage.failed(this.#name, error);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.retry(), this.#backoff.next());
  }
}

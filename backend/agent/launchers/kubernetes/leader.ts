import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { CoordinationV1Api, V1MicroTime, type KubeConfig, type V1Lease } from "@kubernetes/client-node";
import { reasonOf, unless } from "./api-error.ts";
import { ownLabels } from "./names.ts";
import type { Outage } from "./outage.ts";
import { leaseName } from "./permissions.ts";

/** In milliseconds: when an unrenewed lease expires, when its holder stops acting, and how often the holder renews it. */
export type LeaderTimes = { readonly leaseMs: number; readonly renewWithinMs: number; readonly retryMs: number };

/** The defaults of Kubernetes' own components (client-go's leader election). */
export const defaultLeaderTimes: LeaderTimes = { leaseMs: 15_000, renewWithinMs: 10_000, retryMs: 2_000 };

type LeaderOptions = {
  readonly config: KubeConfig;
  /** The agent's namespace. */
  readonly namespace: string;
  /** The cluster whose agents elect a leader. */
  readonly cluster: string;
  /** The identity of this process. */
  readonly identity: string;
  readonly times: LeaderTimes;
  readonly outage: Outage;
  readonly log: (text: string) => void;
};

/** Whether this process is the leader, which acts. */
export type Leadership = {
  /** Whether this process leads. Check it before every action: it becomes false before the lease expires. */
  readonly leads: boolean;
  /** Why the API server could not renew the lease; undefined while it answers. */
  readonly failure: string | undefined;
  /** Calls `listener` whenever `leads` may have changed. */
  subscribe(listener: () => void): void;
};

const renewal = "the lease";

/**
 * Elects a leader among several agents: the one that holds the Lease. Clocks of different machines are never compared: a lease
 * expires when its record has not changed for its duration, by the observer's own clock. A leader that cannot renew the Lease
 * stops acting, keeps trying, and acts again as soon as it holds the Lease again.
 */
export class Leader implements Leadership {
  readonly #options: LeaderOptions;
  readonly #api: CoordinationV1Api;
  readonly #stopping = new AbortController();
  readonly #listeners: (() => void)[] = [];
  /** The most recent record, and when it was first seen. */
  #seen: { readonly record: string; readonly at: number } | undefined;
  /** When the request that last renewed the lease was sent; `-Infinity` while another agent holds the lease. */
  #renewedAt = -Infinity;
  #failure: string | undefined;
  #trying: Promise<void> = Promise.resolve();

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#api = options.config.makeApiClient(CoordinationV1Api);
  }

  get leads(): boolean {
    return performance.now() - this.#renewedAt < this.#options.times.renewWithinMs;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  subscribe(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Tries to lead from now on. @returns true as soon as it leads, or false if `stop` was called first */
  async lead(): Promise<boolean> {
    const first = Promise.withResolvers<void>();
    this.subscribe(() => {
      if (this.leads) first.resolve();
    });
    this.#trying = this.#keepTrying();
    await Promise.race([first.promise, this.#trying]);
    return this.leads && !this.#stopping.signal.aborted;
  }

  /** Releases the lease, if held, so that another agent need not wait until it expires. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await this.#trying;
    if (!this.leads) return;
    this.#renewedAt = -Infinity;
    try {
      const lease = await this.#read();
      if (lease?.spec?.holderIdentity === this.#options.identity) await this.#replace(lease, "");
    } catch (error) {
      this.#options.log(`the lease cannot be given up: ${reasonOf(error)}`);
    }
  }

  async #keepTrying(): Promise<void> {
    const { times, log } = this.#options;
    let said: string | undefined;
    do {
      await this.#try();
      const standing = this.leads ? "this agent leads" : "this agent does not lead; it waits";
      // During an outage the state is unknown, and the outage itself is already logged.
      if (standing !== said && (this.leads || this.#failure === undefined)) {
        log(standing);
        said = standing;
      }
      for (const listener of this.#listeners) listener();
    } while (await this.#pause(times.retryMs));
  }

  /** Acquires or renews the lease, if it is available. */
  async #try(): Promise<void> {
    const { outage } = this.#options;
    const begunAt = performance.now();
    try {
      const holds = await this.#take();
      if (holds !== undefined) this.#renewedAt = holds ? begunAt : -Infinity;
      this.#failure = undefined;
      outage.succeeded(renewal);
    } catch (error) {
      this.#failure = reasonOf(error);
      outage.failed(renewal, error);
    }
  }

  /** @returns whether this agent now holds the lease; undefined if another one changed it concurrently */
  async #take(): Promise<boolean | undefined> {
    const { namespace, identity } = this.#options;
    const lease = await this.#read();
    if (lease === undefined) {
      const body = this.#lease(identity, undefined);
      const created = await unless(this.#api.createNamespacedLease({ namespace, body }), 409);
      return created === undefined ? undefined : true;
    }
    const holder = lease.spec?.holderIdentity ?? "";
    if (holder !== identity && holder !== "" && !this.#isOver(lease)) return false;
    return (await this.#replace(lease, identity)) ? true : undefined;
  }

  #read(): Promise<V1Lease | undefined> {
    const { namespace } = this.#options;
    return unless(this.#api.readNamespacedLease({ namespace, name: leaseName }), 404);
  }

  async #replace(lease: V1Lease, holder: string): Promise<boolean> {
    const body = this.#lease(holder, lease);
    const request = { namespace: this.#options.namespace, name: leaseName, body };
    return (await unless(this.#api.replaceNamespacedLease(request), 409)) !== undefined;
  }

  #lease(holder: string, before: V1Lease | undefined): V1Lease {
    const { cluster, times } = this.#options;
    const now = new V1MicroTime();
    const same = before?.spec?.holderIdentity === holder;
    return {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: before?.metadata ?? { name: leaseName, labels: ownLabels(cluster) },
      spec: {
        holderIdentity: holder,
        leaseDurationSeconds: Math.ceil(times.leaseMs / 1000),
        acquireTime: same ? (before?.spec?.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: (before?.spec?.leaseTransitions ?? 0) + (same ? 0 : 1),
      },
    };
  }

  /** Whether the lease has expired: its record has not changed for its duration. */
  #isOver({ spec, metadata }: V1Lease): boolean {
    const record = `${spec?.holderIdentity} ${metadata?.resourceVersion}`;
    if (this.#seen?.record !== record) this.#seen = { record, at: performance.now() };
    return performance.now() - this.#seen.at > (spec?.leaseDurationSeconds ?? 0) * 1000;
  }

  /** @returns false if `stop` was called in the meantime */
  async #pause(ms: number): Promise<boolean> {
    try {
      await sleep(ms * (1 + Math.random() / 5), undefined, { signal: this.#stopping.signal });
      return true;
    } catch {
      return false;
    }
  }
}

import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { CoordinationV1Api, V1MicroTime, type KubeConfig, type V1Lease } from "@kubernetes/client-node";
import { reasonOf, unless } from "./api-error.ts";
import { ownLabels } from "./names.ts";
import type { Outage } from "./outage.ts";
import { leaseName } from "./permissions.ts";

/** In milliseconds: how long a lease lasts that nobody renews, when its holder stops acting, and how often it is renewed. */
export type LeaderTimes = { readonly leaseMs: number; readonly renewWithinMs: number; readonly retryMs: number };

/** As the components of Kubernetes itself do it (client-go's leader election). */
export const defaultLeaderTimes: LeaderTimes = { leaseMs: 15_000, renewWithinMs: 10_000, retryMs: 2_000 };

type LeaderOptions = {
  readonly config: KubeConfig;
  /** The agent's namespace. */
  readonly namespace: string;
  /** Names the agents whose one is to lead. */
  readonly cluster: string;
  /** Of this process. */
  readonly identity: string;
  readonly times: LeaderTimes;
  readonly outage: Outage;
  readonly log: (text: string) => void;
};

/** Whether this process is the one that acts. */
export type Leadership = {
  /** May be asked before every act: it is true no longer than the lease lasts. */
  readonly leads: boolean;
  /** Why the lease could not be renewed, where the API server has failed; undefined while it answers. */
  readonly failure: string | undefined;
  /** Calls `listener` whenever `leads` may have changed. */
  subscribe(listener: () => void): void;
};

const renewal = "the lease";

/**
 * Makes one of several agents the leader: the one that holds the Lease. Clocks of different machines are not compared: a lease
 * is over when its record has not changed for its duration, by the watcher's own clock. A leader that cannot renew it stops
 * acting, goes on trying, and acts again as soon as it holds the Lease again.
 */
export class Leader implements Leadership {
  readonly #options: LeaderOptions;
  readonly #api: CoordinationV1Api;
  readonly #stopping = new AbortController();
  readonly #listeners: (() => void)[] = [];
  /** The record that was seen last, and when it was first seen. */
  #seen: { readonly record: string; readonly at: number } | undefined;
  /** When the request was sent by which the lease was last renewed; of a lease that is another's, never. */
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

  /** Tries to lead from now on. @returns as soon as it does: true, or false where `stop` came first */
  async lead(): Promise<boolean> {
    const first = Promise.withResolvers<void>();
    this.subscribe(() => {
      if (this.leads) first.resolve();
    });
    this.#trying = this.#keepTrying();
    await Promise.race([first.promise, this.#trying]);
    return this.leads && !this.#stopping.signal.aborted;
  }

  /** Gives the lease up, if it is held, so that another agent need not wait for its end. */
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
      // While it cannot know, the outage is all there is to say.
      if (standing !== said && (this.leads || this.#failure === undefined)) {
        log(standing);
        said = standing;
      }
      for (const listener of this.#listeners) listener();
    } while (await this.#pause(times.retryMs));
  }

  /** Takes or renews the lease, if it can be had. */
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

  /** @returns whether it is held now, or undefined where that was changed by somebody else just now */
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

  /** Whether the record has not changed for as long as it lasts. */
  #isOver({ spec, metadata }: V1Lease): boolean {
    const record = `${spec?.holderIdentity} ${metadata?.resourceVersion}`;
    if (this.#seen?.record !== record) this.#seen = { record, at: performance.now() };
    return performance.now() - this.#seen.at > (spec?.leaseDurationSeconds ?? 0) * 1000;
  }

  /** @returns false when it was stopped meanwhile */
  async #pause(ms: number): Promise<boolean> {
    try {
      await sleep(ms * (1 + Math.random() / 5), undefined, { signal: this.#stopping.signal });
      return true;
    } catch {
      return false;
    }
  }
}

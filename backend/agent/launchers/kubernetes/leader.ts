import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { CoordinationV1Api, V1MicroTime, type KubeConfig, type V1Lease } from "@kubernetes/client-node";
import { apiFailure, unless } from "./api-error.ts";
import { ownLabels } from "./names.ts";
import { leaseName } from "./permissions.ts";

/** In milliseconds: how long a lease lasts that nobody renews, when its holder gives up, and how often it is renewed. */
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
  readonly log: (text: string) => void;
};

/**
 * Makes one of several agents the leader: the one that holds the Lease. Clocks of different machines are not compared: a lease
 * is over when its record has not changed for its duration, by the watcher's own clock.
 */
export class Leader {
  /** Resolves when this process does not lead any more. */
  readonly lost: Promise<void>;
  readonly #options: LeaderOptions;
  readonly #api: CoordinationV1Api;
  readonly #lost = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();
  /** The record that was seen last, and when it was first seen. */
  #seen: { readonly record: string; readonly at: number } | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#api = options.config.makeApiClient(CoordinationV1Api);
    this.lost = this.#lost.promise;
  }

  /** Waits until this process leads, and keeps it leading. @returns whether it does: it does not where `stop` came first */
  async lead(): Promise<boolean> {
    const { times, log } = this.#options;
    for (let waits = false; !(await this.#try());) {
      if (!waits) log(`another agent leads; this one waits`);
      waits = true;
      if (!(await this.#pause(times.retryMs))) return false;
    }
    if (this.#stopping.signal.aborted) return false;
    this.#renewing = this.#renew();
    return true;
  }

  /** Gives the lease up, if it is held, so that another agent need not wait for its end. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await this.#renewing;
    try {
      const lease = await this.#read();
      if (lease?.spec?.holderIdentity === this.#options.identity) await this.#replace(lease, "");
    } catch (error) {
      this.#options.log(`the lease cannot be given up: ${String(error)}`);
    }
  }

  async #renew(): Promise<void> {
    const { times, log } = this.#options;
    let renewedAt = performance.now();
    while (await this.#pause(times.retryMs)) {
      const begunAt = performance.now();
      if (await this.#try()) renewedAt = begunAt;
      else if (performance.now() - renewedAt > times.renewWithinMs) {
        log("this agent does not lead any more");
        this.#lost.resolve();
        return;
      }
    }
  }

  /** Takes or renews the lease. @returns whether it is held now */
  async #try(): Promise<boolean> {
    const { namespace, identity, log } = this.#options;
    try {
      const lease = await this.#read();
      if (lease === undefined) {
        const body = this.#lease(identity, undefined);
        return (await unless(this.#api.createNamespacedLease({ namespace, body }), 409)) !== undefined;
      }
      const holder = lease.spec?.holderIdentity ?? "";
      if (holder !== identity && holder !== "" && !this.#isOver(lease)) return false;
      return await this.#replace(lease, identity);
    } catch (error) {
      log(`the lease cannot be had: ${apiFailure(error)?.message ?? String(error)}`);
      return false;
    }
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
      await sleep(ms, undefined, { signal: this.#stopping.signal });
      return true;
    } catch {
      return false;
    }
  }
}

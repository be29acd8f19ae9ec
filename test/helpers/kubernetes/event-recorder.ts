import { randomUUID } from "node:crypto";
import type { KubeObject } from "./object-schemas.ts";
import type { Store } from "./store.ts";
import { timestamp } from "./time.ts";

export type Notice = {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** The component that reports it. */
  readonly component: string;
};

/** Writes events about objects; repeated events are counted. */
export class EventRecorder {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  record(about: KubeObject, { type, reason, message, component }: Notice): void {
    const { namespace, name, uid, resourceVersion } = about.metadata;
    const now = timestamp();
    const earlier = this.#store
      .list("events", namespace)
      .find((event) => event.involvedObject.uid === uid && event.reason === reason && event.message === message);
    if (earlier !== undefined) {
      this.#store.edit("events", earlier, (event) => {
        event.count = (event.count ?? 1) + 1;
        event["lastTimestamp"] = now;
      });
      return;
    }
    this.#store.add("events", {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: `${name}.${randomUUID().replaceAll("-", "").slice(0, 16)}`,
        ...(namespace === undefined ? {} : { namespace }),
        uid: randomUUID(),
        resourceVersion: "",
        creationTimestamp: now,
      },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        ...(namespace === undefined ? {} : { namespace }),
        name,
        uid,
        resourceVersion,
      },
      type,
      reason,
      message,
      count: 1,
      eventTime: null,
      firstTimestamp: now,
      lastTimestamp: now,
      reportingComponent: component,
      reportingInstance: "",
      source: { component },
    });
  }
}

import type { ServerResponse } from "node:http";
import type { Change } from "./history.ts";
import type { JsonObject } from "./json.ts";
import type { KubeObject } from "./object-schemas.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import type { Selector } from "./selectors.ts";
import { expired, Refusal } from "./status.ts";
import type { Store } from "./store.ts";

export type WatchOptions = {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly selects: Selector;
  /** Starts after this version; with all existing objects if undefined. */
  readonly version: number | undefined;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
};

/** An open watch. */
type Watch = {
  readonly send: (change: Change) => void;
  readonly expire: () => void;
  readonly response: ServerResponse;
};

/** The open watches. */
export class Watches {
  readonly #store: Store;
  readonly #bookmarkMs: number;
  readonly #open = new Set<Watch>();

  constructor(store: Store, bookmarkMs: number) {
    this.#store = store;
    this.#bookmarkMs = bookmarkMs;
    store.subscribe((change) => {
      for (const watch of this.#open) watch.send(change);
    });
  }

  /** Answers with events until it is ended. */
  open(response: ServerResponse, options: WatchOptions): void {
    const { resource, version, bookmarks, timeoutMs } = options;
    let sent = version ?? this.#store.version;
    const write = (type: string, object: JsonObject | KubeObject | Refusal["status"]): void => {
      response.write(`${JSON.stringify({ type, object })}\n`);
    };
    const bookmark = (): void => {
      const metadata = { resourceVersion: String(this.#store.version), creationTimestamp: null };
      if (bookmarks) write("BOOKMARK", { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata });
      sent = this.#store.version;
    };
    const watch: Watch = {
      response,
      send: (change) => {
        const event = eventOf(change, options);
        if (event === undefined) return;
        write(event.type, event.object);
        sent = change.version;
      },
      expire: () => {
        write("ERROR", expired("The resourceVersion for the provided watch is too old.").status);
        response.end();
      },
    };
    response.writeHead(200, { "content-type": "application/json", "transfer-encoding": "chunked" });
    response.flushHeaders();
    try {
      if (version === undefined) this.#sendAll(options, write);
      else for (const change of this.#store.history.since(version)) watch.send(change);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      write("ERROR", error.status);
      response.end();
      return;
    }
    const bookmarking = setInterval(() => sent < this.#store.version && bookmark(), this.#bookmarkMs);
    const timeout = setTimeout(() => {
      bookmark();
      response.end();
    }, timeoutMs);
    this.#open.add(watch);
    response.once("close", () => {
      clearInterval(bookmarking);
      clearTimeout(timeout);
      this.#open.delete(watch);
    });
  }

  get count(): number {
    return this.#open.size;
  }

  /** Ends all watches with the error that their version is too old to continue from. */
  expire(): void {
    for (const watch of this.#open) watch.expire();
    this.#open.clear();
  }

  /** Ends all watches without an error: as at their timeout, or by breaking their connections. */
  cut(how: "end" | "reset"): void {
    for (const { response } of this.#open)
      if (how === "end") response.end();
      else response.destroy();
    this.#open.clear();
  }

  #sendAll({ resource, namespace, selects }: WatchOptions, write: (type: string, object: KubeObject) => void): void {
    for (const object of this.#store.list(resource.plural, namespace)) if (selects(object)) write("ADDED", object);
  }
}

/** The event that a change causes in a watch: objects appear and disappear with what it selects. */
const eventOf = (
  { plural, version, before, after }: Change,
  { resource, namespace, selects }: WatchOptions,
): { readonly type: string; readonly object: KubeObject } | undefined => {
  const concerns = (object: KubeObject | undefined): object is KubeObject =>
    object !== undefined && (namespace === undefined || object.metadata.namespace === namespace) && selects(object);
  if (plural !== resource.plural) return undefined;
  if (concerns(after)) return { type: concerns(before) ? "MODIFIED" : "ADDED", object: after };
  if (!concerns(before)) return undefined;
  return { type: "DELETED", object: { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } } };
};

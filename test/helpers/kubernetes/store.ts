import { isDeepStrictEqual } from "node:util";
import { History, type Change } from "./history.ts";
import type { KubeObject } from "./object-schemas.ts";
import { plurals, type Objects, type Plural } from "./resources.ts";

type Listener = (change: Change) => void;

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`;

/**
 * The objects, by resource, namespace and name. Objects are never changed, only replaced; each replacement gets the next
 * version of a counter that all objects share. Listeners are called synchronously and must not change anything.
 */
export class Store {
  #version = 1;
  readonly history: History;
  readonly #listeners = new Set<Listener>();
  readonly #maps: { readonly [K in Plural]: Map<string, Objects[K]> } = {
    namespaces: new Map(),
    pods: new Map(),
    secrets: new Map(),
    events: new Map(),
    configmaps: new Map(),
    serviceaccounts: new Map(),
    jobs: new Map(),
    leases: new Map(),
  };

  constructor(historyLimit: number) {
    this.history = new History(historyLimit);
  }

  get version(): number {
    return this.#version;
  }

  /** Calls the listener after each change. @returns a function that unsubscribes */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get<K extends Plural>(plural: K, namespace: string | undefined, name: string): Objects[K] | undefined {
    return this.#maps[plural].get(keyOf(namespace, name));
  }

  /** The current version of an object; undefined if it is gone or another object has its name. */
  current<K extends Plural>(plural: K, { metadata }: KubeObject): Objects[K] | undefined {
    const found = this.get(plural, metadata.namespace, metadata.name);
    return found?.metadata.uid === metadata.uid ? found : undefined;
  }

  /** The objects of one namespace, or of all, in order of creation. */
  list<K extends Plural>(plural: K, namespace?: string): Objects[K][] {
    const all = [...this.#maps[plural].values()];
    return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  /** All objects, by resource. */
  all(): { readonly plural: Plural; readonly object: KubeObject }[] {
    return plurals.flatMap((plural) => this.list(plural).map((object) => ({ plural, object })));
  }

  /** Adds an object that must not exist yet. @returns it, with its version */
  add<K extends Plural>(plural: K, object: Objects[K]): Objects[K] {
    const added = structuredClone(object);
    return this.#put(plural, undefined, added);
  }

  /** Replaces an object. @returns the new one; the old one if nothing differs */
  replace<K extends Plural>(plural: K, object: Objects[K]): Objects[K] {
    const before = this.current(plural, object);
    if (before === undefined) throw new Error(`there is no ${plural} ${object.metadata.name} to replace`);
    const after = structuredClone(object);
    after.metadata.resourceVersion = before.metadata.resourceVersion;
    if (isDeepStrictEqual(after, before)) return before;
    return this.#put(plural, before, after);
  }

  /** Replaces an object with the result of `edit`, if it still exists. @returns the new one */
  edit<K extends Plural>(plural: K, object: KubeObject, edit: (draft: Objects[K]) => void): Objects[K] | undefined {
    const found = this.current(plural, object);
    if (found === undefined) return undefined;
    const draft = structuredClone(found);
    edit(draft);
    return this.replace(plural, draft);
  }

  remove(plural: Plural, object: KubeObject): void {
    const before = this.current(plural, object);
    if (before === undefined) return;
    this.#maps[plural].delete(keyOf(before.metadata.namespace, before.metadata.name));
    this.#version += 1;
    this.#tell({ plural, version: this.#version, before, after: undefined });
  }

  /** Makes all versions so far too old to watch from. */
  forgetHistory(): void {
    this.#version += 1;
    this.history.forget(this.#version);
  }

  #put<K extends Plural>(plural: K, before: Objects[K] | undefined, after: Objects[K]): Objects[K] {
    this.#version += 1;
    after.metadata.resourceVersion = String(this.#version);
    this.#maps[plural].set(keyOf(after.metadata.namespace, after.metadata.name), after);
    this.#tell({ plural, version: this.#version, before, after });
    return after;
  }

  #tell(change: Change): void {
    this.history.add(change);
    for (const listener of this.#listeners) listener(change);
  }
}

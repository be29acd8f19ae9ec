import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Content, inFile, inMemory } from "./content.ts";

export type StoredObject = {
  readonly content: Content;
  /** With its quotes. */
  readonly etag: string;
  /** The headers `x-amz-meta-…` that it was written with. */
  readonly metadata: Readonly<Record<string, string>>;
};

type Upload = {
  readonly path: string;
  readonly metadata: StoredObject["metadata"];
  /** By number. */
  readonly parts: Map<number, readonly Buffer[]>;
};

/** The name of the bucket that holds files of this machine. */
export const inputsBucket = "inputs";

/** The objects of a store, by `bucket/key`. All buckets exist. */
export class Objects {
  /** Those that are files. */
  readonly #files = new Map<string, StoredObject>();
  readonly #written = new Map<string, StoredObject>();
  readonly #uploads = new Map<string, Upload>();
  #lastId = 0;

  /** @param folder whose files are the objects of the bucket for inputs */
  constructor(folder: string) {
    for (const name of readdirSync(folder)) {
      // Another bench can be renaming a file that it has finished.
      const file = statSync(join(folder, name), { throwIfNoEntry: false });
      if (file?.isFile() !== true) continue;
      const content = inFile(join(folder, name), file.size);
      this.#files.set(`${inputsBucket}/${name}`, { content, etag: this.#newTag(), metadata: {} });
    }
  }

  get(path: string): StoredObject | undefined {
    return this.#written.get(path) ?? this.#files.get(path);
  }

  /** The paths with this prefix, in the order of their bytes. */
  list(prefix: string): string[] {
    return [...this.#files.keys(), ...this.#written.keys()].filter((path) => path.startsWith(prefix)).sort();
  }

  /** @returns its ETag */
  put(path: string, pieces: readonly Buffer[], metadata: StoredObject["metadata"]): string {
    const etag = this.#newTag();
    this.#written.set(path, { content: inMemory(pieces), etag, metadata });
    return etag;
  }

  remove(path: string): void {
    this.#written.delete(path);
  }

  /** Removes all objects that were written. */
  clear(): void {
    this.#written.clear();
  }

  /** @returns the upload's id */
  createUpload(path: string, metadata: StoredObject["metadata"]): string {
    const id = String(++this.#lastId);
    this.#uploads.set(id, { path, metadata, parts: new Map() });
    return id;
  }

  /** The uploads that are still open, of paths with this prefix. */
  listUploads(prefix: string): { readonly path: string; readonly id: string }[] {
    return [...this.#uploads].filter(([, { path }]) => path.startsWith(prefix)).map(([id, { path }]) => ({ path, id }));
  }

  /** @returns the part's ETag; undefined if there is no such upload */
  putPart(id: string, number: number, pieces: readonly Buffer[]): string | undefined {
    return this.#uploads.get(id)?.parts.set(number, pieces) && this.#newTag();
  }

  /** Makes an object of all parts of an upload. @returns its ETag; undefined if there is no such upload */
  completeUpload(id: string): string | undefined {
    const upload = this.#uploads.get(id);
    if (upload === undefined) return undefined;
    this.#uploads.delete(id);
    const pieces = [...upload.parts].sort(([a], [b]) => a - b).flatMap(([, each]) => each);
    return this.put(upload.path, pieces, upload.metadata);
  }

  abortUpload(id: string): void {
    this.#uploads.delete(id);
  }

  #newTag(): string {
    return `"${++this.#lastId}"`;
  }
}

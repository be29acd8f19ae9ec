import type { Address } from "../../shared/address.ts";
import { formatAddress } from "../../shared/address.ts";
import { partSize, StorageError, type OpenUpload, type Store } from "./store.ts";

/** An upload whose parts are all stored. `Store.completeUpload` turns it into an object of `size` bytes. */
type FinishedUpload = { readonly uploadId: string; readonly tags: readonly string[]; readonly size: number };

export type UploadOptions = {
  /** The attempt that the upload belongs to. */
  readonly attempt: string;
  /** Called with the upload's id and awaited before the first part is sent, so that the caller never loses track of it. */
  readonly onCreated: (uploadId: string) => Promise<void>;
  /** Creates the upload at the first byte, while the first part is filled. For writers that end with `finish`. @default false */
  readonly isEarly?: boolean;
};

/** S3's limit. */
const maxParts = 10_000;

/** The initial buffer size for the first part, in bytes. Most objects of small jobs need no more. */
const firstRoom = 64 * 1024;

/** The maximum number of parts in flight. With the part being filled, a writer holds at most one more than this in memory. */
const maxUnderWay = 2;

/**
 * Bytes of a file that are kept until its upload is created. From then on they go straight into the file, while they are still in
 * the processor's cache.
 */
const fileRoom = 1024 * 1024;

/**
 * Writes an object of unknown length: a file directly, any other in parts. The upload is created once there is more than a part, by
 * `finish`, or early if the options say so. An object that is smaller needs no upload if it ends with `finishObject`.
 */
export class ObjectWriter {
  readonly #store: Store;
  readonly #at: Address;
  readonly #options: UploadOptions;
  readonly #tags: string[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #spare: Buffer[] = [];
  /** How many bytes are kept at most before they are sent. */
  readonly #room: number;
  #file: OpenUpload | undefined;
  #upload: Promise<string> | undefined;
  #uploadId: string | undefined;
  #part: Buffer | undefined;
  #filled = 0;
  #parts = 0;
  /** Bytes that have been sent. */
  #sent = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(store: Store, at: Address, options: UploadOptions) {
    this.#store = store;
    this.#at = at;
    this.#options = options;
    this.#room = at.scheme === "file" ? fileRoom : partSize;
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#sent + this.#filled;
  }

  /**
   * Takes the bytes. The caller may reuse them as soon as this returns or, if it returns a promise, once that has resolved.
   *
   * @returns a promise if the writer must wait for the store; the caller must not write before it has resolved
   * @throws the error of an earlier part
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    // Its failure is thrown again when a part needs the upload.
    if (this.#options.isEarly === true && this.#upload === undefined) this.#created().catch(() => undefined);
    if (this.#file !== undefined) {
      this.#writeFile(this.#file, bytes);
      return undefined;
    }
    const taken = this.#fill(bytes);
    return taken === bytes.length && this.#filled < this.#room ? undefined : this.#writeRest(bytes.subarray(taken));
  }

  /**
   * Sends the remaining bytes, and waits until the store has every part.
   * @returns undefined if nothing was written; some stores ignore or refuse an empty part, so there is no upload
   * @throws the error of any part; the upload exists until `abort`
   */
  async finish(): Promise<FinishedUpload | undefined> {
    const { size } = this;
    if (size === 0) return undefined;
    if (this.#filled > 0) await this.#send();
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure.error;
    return { uploadId: await this.#created(), tags: (await this.#file?.finish()) ?? this.#tags, size };
  }

  /**
   * Makes the object visible: with one request if it fits into a part, else by completing the upload.
   * @returns the object's size in bytes
   */
  async finishObject(): Promise<number> {
    const finished = this.#sent === 0 ? undefined : await this.finish();
    if (finished === undefined) {
      await this.#store.put(this.#at, this.#buffer(this.#filled).subarray(0, this.#filled));
      return this.#filled;
    }
    const { uploadId, tags, size } = finished;
    const outcome = await this.#store.completeUpload(this.#at, uploadId, tags, this.#options.attempt);
    if (outcome === "completed") return size;
    throw new StorageError(
      "NoSuchUpload",
      `${formatAddress(this.#at)}: the upload vanished before its completion (NoSuchUpload)`,
    );
  }

  /** Waits for what is in flight, and aborts the upload if there is one. */
  async abort(): Promise<void> {
    this.#failure ??= {
      error: new StorageError("NoSuchUpload", `${formatAddress(this.#at)}: the upload was aborted (NoSuchUpload)`),
    };
    await Promise.all(this.#underWay);
    this.#file?.close();
    await this.#upload?.catch(() => undefined);
    if (this.#uploadId !== undefined) await this.#store.abortUpload(this.#at, this.#uploadId);
  }

  /** The buffer of the current part, with room for `length` bytes, at most `#room`. That of the first part grows on demand. */
  #buffer(length: number): Buffer {
    const part = this.#part ?? this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#parts === 0 ? firstRoom : this.#room);
    if (part.length < length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#room, Math.max(4 * part.length, length)));
      part.copy(grown, 0, 0, this.#filled);
      this.#part = grown;
    } else {
      this.#part = part;
    }
    return this.#part;
  }

  /** @returns the number of bytes that fit into the part */
  #fill(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.#room - this.#filled);
    this.#buffer(this.#filled + taken).set(taken === bytes.length ? bytes : bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    return taken;
  }

  async #writeRest(rest: Uint8Array): Promise<void> {
    let left = rest;
    for (;;) {
      if (this.#filled === this.#room) await this.#send();
      if (left.length === 0) return;
      if (this.#file !== undefined) return this.#writeFile(this.#file, left);
      left = left.subarray(this.#fill(left));
    }
  }

  #writeFile(file: OpenUpload, bytes: Uint8Array): void {
    try {
      file.write(bytes);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
    this.#sent += bytes.length;
  }

  /** Sends what is kept: to the file, or as a part, once fewer than `maxUnderWay` are in flight. */
  async #send(): Promise<void> {
    this.#file ??= this.#parts === 0 ? await this.#openFile() : undefined;
    if (this.#file !== undefined) {
      const bytes = this.#buffer(this.#filled).subarray(0, this.#filled);
      this.#part = undefined;
      this.#filled = 0;
      this.#writeFile(this.#file, bytes);
      return;
    }
    if (this.#parts === maxParts) {
      const limit = "an output has at most 160 GB, 10,000 parts of 16 MiB; more reducers make smaller outputs";
      throw new StorageError("EntityTooLarge", `${formatAddress(this.#at)}: ${limit} (EntityTooLarge)`);
    }
    while (this.#underWay.size >= maxUnderWay) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure.error;
    const part = this.#buffer(this.#filled);
    const sending = this.#sendPart(this.#parts, part, this.#filled);
    this.#underWay.add(sending);
    void sending.then(() => this.#underWay.delete(sending));
    this.#sent += this.#filled;
    this.#parts += 1;
    this.#part = undefined;
    this.#filled = 0;
  }

  /** Never rejects. The next call from outside throws the failure. */
  async #sendPart(index: number, part: Buffer, length: number): Promise<void> {
    try {
      const uploadId = await this.#created();
      this.#tags[index] = await this.#store.uploadPart(this.#at, uploadId, index + 1, part.subarray(0, length));
      // not after a failure, because the store's connection could still be reading the buffer
      this.#spare.push(part);
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #openFile(): Promise<OpenUpload | undefined> {
    return this.#at.scheme === "file" ? await this.#store.openUpload(this.#at, await this.#created()) : undefined;
  }

  #created(): Promise<string> {
    this.#upload ??= this.#create();
    return this.#upload;
  }

  async #create(): Promise<string> {
    const uploadId = await this.#store.createUpload(this.#at, this.#options.attempt);
    this.#uploadId = uploadId;
    await this.#options.onCreated(uploadId);
    return uploadId;
  }
}

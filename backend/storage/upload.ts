import type { Address } from "../../shared/address.ts";
import { formatAddress } from "../../shared/address.ts";
import { partSize, StorageError, type Store } from "./store.ts";

/** An upload with all its parts, which `Store.completeUpload` makes an object of `size` bytes. */
type FinishedUpload = { readonly uploadId: string; readonly tags: readonly string[]; readonly size: number };

export type UploadOptions = {
  /** The attempt that the upload belongs to. */
  readonly attempt: string;
  /** Called with the upload's id, and awaited before the first part is sent: so that nobody loses sight of the upload. */
  readonly onCreated: (uploadId: string) => Promise<void>;
};

/** S3's limit. */
const maxParts = 10_000;

/** Bytes of room for the first part at first: most objects of small jobs need no more. */
const firstRoom = 64 * 1024;

/** Parts on their way at a time. With the one being filled, a writer holds at most this many and one more in memory. */
const maxUnderWay = 2;

/**
 * Writes an object of unknown length in parts. The upload is created with the first full part; until then, and if all fits
 * into one part, the store has not heard of it.
 */
export class MultipartWriter {
  readonly #store: Store;
  readonly #at: Address;
  readonly #options: UploadOptions;
  readonly #tags: string[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #spare: Buffer[] = [];
  #upload: Promise<string> | undefined;
  #uploadId: string | undefined;
  #part: Buffer | undefined;
  #filled = 0;
  #parts = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(store: Store, at: Address, options: UploadOptions) {
    this.#store = store;
    this.#at = at;
    this.#options = options;
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#parts * partSize + this.#filled;
  }

  /**
   * Takes the bytes over; they may be reused as soon as this returns, or what it returns has resolved.
   *
   * @returns a promise where the writer must wait for the store; nothing may be written before it has resolved
   * @throws what an earlier part failed with
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    const taken = this.#fill(bytes);
    return taken === bytes.length && this.#filled < partSize ? undefined : this.#writeRest(bytes.subarray(taken));
  }

  /**
   * Sends what is left, and waits until the store has every part.
   * @returns undefined where nothing was written: some stores ignore or refuse a part without bytes, so there is no upload
   * @throws what any part failed with; the upload is there until `abort`
   */
  async finish(): Promise<FinishedUpload | undefined> {
    const { size } = this;
    if (size === 0) return undefined;
    if (this.#filled > 0) await this.#send();
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure.error;
    return { uploadId: await this.#created(), tags: this.#tags, size };
  }

  /**
   * Makes the object visible: by one request where it fits into a part, else by completing the upload.
   * @returns its size in bytes
   */
  async finishObject(): Promise<number> {
    const finished = this.#parts === 0 ? undefined : await this.finish();
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

  /** Waits for the parts under way, and ends the upload if there is one. */
  async abort(): Promise<void> {
    this.#failure ??= {
      error: new StorageError("NoSuchUpload", `${formatAddress(this.#at)}: the upload was aborted (NoSuchUpload)`),
    };
    await Promise.all(this.#underWay);
    if (this.#uploadId !== undefined) await this.#store.abortUpload(this.#at, this.#uploadId);
  }

  /** The part that is being filled, with room for `length` bytes, at most `partSize`. The first one grows as it is filled. */
  #buffer(length: number): Buffer {
    const part = this.#part ?? this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#parts === 0 ? firstRoom : partSize);
    if (part.length < length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(partSize, Math.max(4 * part.length, length)));
      part.copy(grown, 0, 0, this.#filled);
      this.#part = grown;
    } else {
      this.#part = part;
    }
    return this.#part;
  }

  /** @returns the number of bytes that found room in the part */
  #fill(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, partSize - this.#filled);
    this.#buffer(this.#filled + taken).set(taken === bytes.length ? bytes : bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    return taken;
  }

  async #writeRest(rest: Uint8Array): Promise<void> {
    let left = rest;
    for (;;) {
      if (this.#filled === partSize) await this.#send();
      if (left.length === 0) return;
      left = left.subarray(this.#fill(left));
    }
  }

  /** Sets the part off, once fewer than the most are under way. */
  async #send(): Promise<void> {
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
    this.#parts += 1;
    this.#part = undefined;
    this.#filled = 0;
  }

  /** Never rejects: what fails is told by the next call from outside. */
  async #sendPart(index: number, part: Buffer, length: number): Promise<void> {
    try {
      const uploadId = await this.#created();
      this.#tags[index] = await this.#store.uploadPart(this.#at, uploadId, index + 1, part.subarray(0, length));
      // after a failure the store's connection may still be reading it
      this.#spare.push(part);
    } catch (error) {
      this.#failure ??= { error };
    }
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

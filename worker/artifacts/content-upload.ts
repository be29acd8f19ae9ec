import { registryOf, type Env } from "../env.ts";
import { busy } from "../http/problems.ts";
import type { Slot } from "./upload-slots.ts";

/** Bytes of a part. R2 wants 5 MiB or more, and all parts but the last equal. One part is all of a content that is held. */
const partSize = 5 * 1024 * 1024;

/** Bytes that are held of at first; most programs are no longer. */
const firstBuffer = 64 * 1024;

type StoredContent = { readonly key: string; readonly size: number; readonly hash: string };

/**
 * Content on its way to R2, hashed while it passes. What fits one part is put at once; the rest is a multipart upload.
 * The Registry knows of it from the start, and removes it unless it becomes an artifact. Holds a part in memory, and so a slot.
 */
export class ContentUpload {
  readonly key = crypto.randomUUID();
  readonly #env: Env;
  readonly #slot: Slot;
  readonly #digest = new crypto.DigestStream("SHA-256");
  readonly #hasher = this.#digest.getWriter();
  readonly #parts: R2UploadedPart[] = [];
  #buffer = new Uint8Array(0);
  #filled = 0;
  #size = 0;
  #upload: R2MultipartUpload | null = null;

  constructor(env: Env, slot: Slot) {
    this.#env = env;
    this.#slot = slot;
  }

  async begin(): Promise<void> {
    await registryOf(this.#env).beginContent(this.key);
    this.#buffer = new Uint8Array(firstBuffer);
  }

  /** Takes bytes; they may be overwritten once the promise has resolved. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#slot.renew();
    await this.#hasher.write(chunk);
    this.#size += chunk.length;
    let rest = chunk;
    while (rest.length > 0) {
      // Only when more is there is a full buffer not the last part, which a single put may be enough for.
      if (this.#filled === partSize) await this.#flush();
      const taken = rest.subarray(0, partSize - this.#filled);
      this.#reserve(this.#filled + taken.length);
      this.#buffer.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
    }
  }

  async finish(): Promise<StoredContent> {
    if (this.#upload === null) {
      await this.#env.ARTIFACTS.put(this.key, this.#buffer.subarray(0, this.#filled));
    } else {
      await this.#flush();
      await this.#upload.complete(this.#parts);
    }
    await this.#hasher.close();
    const hash = new Uint8Array(await this.#digest.digest).toHex();
    return { key: this.key, size: this.#size, hash };
  }

  /** Leaves the removal of what is there to the Registry. */
  async abandon(): Promise<void> {
    await registryOf(this.#env).abandonContent(this.key);
  }

  /** Makes room for so many bytes of a part. */
  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const larger = new Uint8Array(partSize);
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }

  async #flush(): Promise<void> {
    this.#upload ??= await this.#env.ARTIFACTS.createMultipartUpload(this.key);
    if (!(await registryOf(this.#env).renewContent(this.key, this.#upload.uploadId))) {
      throw busy("The upload took too long between two parts. Send it again.");
    }
    const part = await this.#upload.uploadPart(this.#parts.length + 1, this.#buffer.subarray(0, this.#filled));
    this.#parts.push(part);
    this.#filled = 0;
  }
}

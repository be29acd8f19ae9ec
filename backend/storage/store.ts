import type { Address } from "../../shared/address.ts";
import { classOf, type FailureClass } from "./failure-class.ts";

/** What a store says about an object. */
export type ObjectInfo = {
  readonly address: Address;
  /** Bytes as stored, before any decompression. */
  readonly size: number;
  /** Changes whenever the content changes; compared, never interpreted. */
  readonly etag: string;
};

/** A half-open byte range: `start` is the first byte read, `end` the first one not read. `{start: 0, end: 3}` is 3 bytes. */
export type ByteRange = { readonly start: number; readonly end: number };

/** Bytes in chunks, to be walked over once. Whoever does not walk to the end must `destroy` it, which lets go of what it holds. */
export type ByteStream = AsyncIterable<Buffer> & { destroy(): unknown };

/** A file that was opened to be read. */
export type OpenFile = {
  /** Stands at the beginning. */
  readonly descriptor: number;
  /** @throws StorageError `ObjectChanged` where the file has changed since it was listed */
  check(): void;
  close(): void;
};

/**
 * The bytes of every part of a multipart upload but the last, which may be shorter: 16 MiB. R2 wants them equal, and with
 * 10,000 parts it limits an object to 160 GB.
 */
export const partSize = 16 * 1024 * 1024;

/** What became of an upload: `lost` when the store knows neither the upload nor an object made of it. */
export type UploadOutcome = "completed" | "lost";

/**
 * The storage operations that a job needs. All of them retry what can pass by itself, may be repeated, and end with the
 * `signal` given when the store was opened. They throw `StorageError`, and nothing else, for what the store refuses.
 */
export interface Store {
  /** @returns undefined when there is no such object */
  head(at: Address): Promise<ObjectInfo | undefined>;
  /** Every object whose key begins with the key of `prefix`, in the order of the keys' bytes where the store keeps to S3's. */
  list(prefix: Address): AsyncIterable<ObjectInfo>;
  /**
   * The bytes of `range`, or all. Ends with an error where the store sends fewer bytes than it promised: short data is
   * never the end of the stream. A range that goes beyond the object is an error with the code `InvalidRange`.
   * @param etag when given, an object that has changed since is an error with the code `ObjectChanged`
   * @param reusesMemory the memory of a chunk may be used again once the one after it is asked for
   */
  read(at: Address, range?: ByteRange, etag?: string, reusesMemory?: boolean): Promise<ByteStream>;
  /** Opens an object that is a file of this machine, and as it was; undefined where objects are elsewhere. */
  open(at: Address, etag: string): Promise<OpenFile | undefined>;
  /** Writes a small object at once. */
  put(at: Address, bytes: Uint8Array): Promise<void>;
  /**
   * Removes objects; one that is not there counts as removed. Folders of a job that became empty go with the last file.
   * An address ending in `/` names what abandoned uploads left of a folder without objects; in S3 there is no such thing.
   */
  remove(all: readonly Address[]): Promise<void>;
  /** Begins a multipart upload whose object will carry `attempt` as metadata. @returns the upload's id */
  createUpload(at: Address, attempt: string): Promise<string>;
  /** Stores part `number` (from 1, of `partSize` bytes unless it is the last) of an upload. @returns the part's tag, for `completeUpload` */
  uploadPart(at: Address, uploadId: string, number: number, bytes: Uint8Array): Promise<string>;
  /** Makes the object visible, atomically. A repetition after success is `completed` again. */
  completeUpload(at: Address, uploadId: string, tags: readonly string[], attempt: string): Promise<UploadOutcome>;
  /** Ends an upload without an object; an upload that is not there counts as aborted. */
  abortUpload(at: Address, uploadId: string): Promise<void>;
  /**
   * Ends all uploads below a folder, an address ending in `/`, those included that nobody knows of: where the answer to their
   * creation was lost, or whoever began them was ended before telling. A store that cannot list uploads keeps those.
   */
  abortUploads(folder: Address): Promise<void>;
  /** Creates the bucket of `at` if it is not there. Where the store cannot create buckets, an error tells to create it. */
  ensureBucket(at: Address): Promise<void>;
}

type StorageErrorOptions = ErrorOptions & {
  /** That of the answer, where there was one. */
  readonly status?: number | undefined;
  /** Whether the same store has answered with a success before. @default false */
  readonly isProven?: boolean | undefined;
};

/** Why an operation of a store failed, in the store's own words. */
export class StorageError extends Error {
  override name = "StorageError";
  /** The store's own code (`NoSuchKey`, `AccessDenied`, `SignatureDoesNotMatch`), or the system's (`ENOTFOUND`, `EACCES`). */
  readonly code: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  readonly class: FailureClass;

  constructor(code: string, message: string, { status, isProven, ...options }: StorageErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.status = status;
    this.class = classOf({ code, status }, isProven);
  }
}

import type { Address } from "../../shared/address.ts";
import { classOf, type FailureClass } from "./failure-class.ts";

/** The metadata of an object. */
export type ObjectInfo = {
  readonly address: Address;
  /** The size in bytes as stored, before any decompression. */
  readonly size: number;
  /** Changes whenever the content changes. Opaque: compare it, but do not interpret it. */
  readonly etag: string;
};

/** A half-open byte range: `start` is the first byte to read, `end` the first not to read. `{start: 0, end: 3}` is 3 bytes. */
export type ByteRange = { readonly start: number; readonly end: number };

/** Bytes in chunks, to be iterated once. A caller that does not reach the end must `destroy` it to release its resources. */
export type ByteStream = AsyncIterable<Buffer> & { destroy(): unknown };

/** A file that is open for reading. */
export type OpenFile = {
  /** Positioned at the beginning. */
  readonly descriptor: number;
  /** @throws StorageError `ObjectChanged` if the file has changed since it was listed */
  check(): void;
  close(): void;
};

/** An upload that is a file on this machine, and is written from its beginning to its end. */
export type OpenUpload = {
  /** Takes the bytes at once. @throws StorageError */
  write(bytes: Uint8Array): void;
  /** Ends the writing, once all is on the disk. @returns the tags, for `completeUpload` */
  finish(): Promise<string[]>;
  /** Gives back the descriptor. Does nothing after `finish`. */
  close(): void;
};

/**
 * The size of every part of a multipart upload except the last, which may be shorter: 16 MiB. R2 requires equal sizes. With at
 * most 10,000 parts, this limits an object to 160 GB.
 */
export const partSize = 16 * 1024 * 1024;

/** The outcome of completing an upload: `lost` if the store knows neither the upload nor an object created from it. */
export type UploadOutcome = "completed" | "lost";

/**
 * The storage operations that a job needs. All of them retry transient failures, may be repeated, and stop when the `signal`
 * given on opening the store aborts. If the store refuses an operation, they throw only `StorageError`.
 */
export interface Store {
  /** @returns undefined if there is no such object */
  head(at: Address): Promise<ObjectInfo | undefined>;
  /** Lists every object whose key begins with the key of `prefix`, in byte order if the store follows S3's order. */
  list(prefix: Address): AsyncIterable<ObjectInfo>;
  /**
   * Reads the bytes of `range`, or all. The stream fails if the store sends fewer bytes than it announced: truncated data never
   * looks like the end of the stream. A range beyond the object is an error with the code `InvalidRange`.
   * @param etag if given, reading an object that has changed since fails with the code `ObjectChanged`
   * @param reusesMemory whether the store may reuse the memory of a chunk once the next chunk is requested
   */
  read(at: Address, range?: ByteRange, etag?: string, reusesMemory?: boolean): Promise<ByteStream>;
  /** Opens an object that is an unchanged file on this machine; undefined if the store's objects are elsewhere. */
  open(at: Address, etag: string): Promise<OpenFile | undefined>;
  /** Writes a small object in one request. */
  put(at: Address, bytes: Uint8Array): Promise<void>;
  /**
   * Removes objects. An object that does not exist counts as removed. A job's folders are removed with their last file.
   * An address ending in `/` names what abandoned uploads left in a folder without objects; S3 has no such leftovers.
   */
  remove(all: readonly Address[]): Promise<void>;
  /** Begins a multipart upload whose object will carry `attempt` as metadata. @returns the upload's id */
  createUpload(at: Address, attempt: string): Promise<string>;
  /**
   * Stores part `number` of an upload. Numbers start at 1, and every part except the last has `partSize` bytes.
   * @returns the part's tag, for `completeUpload`
   */
  uploadPart(at: Address, uploadId: string, number: number, bytes: Uint8Array): Promise<string>;
  /** Opens an upload without parts to be written at once; undefined if the store's objects are elsewhere. */
  openUpload(at: Address, uploadId: string): Promise<OpenUpload | undefined>;
  /** Makes the object visible, atomically. Idempotent: a repetition after success returns `completed` again. */
  completeUpload(at: Address, uploadId: string, tags: readonly string[], attempt: string): Promise<UploadOutcome>;
  /** Ends an upload without creating an object. An upload that does not exist counts as aborted. */
  abortUpload(at: Address, uploadId: string): Promise<void>;
  /**
   * Aborts all uploads below a folder, an address ending in `/`. This includes orphaned uploads, whose creator ended before
   * recording them or never received the answer. A store that cannot list uploads keeps the orphaned ones.
   */
  abortUploads(folder: Address): Promise<void>;
  /** Creates the bucket of `at` if it does not exist. If the store cannot create buckets, the error asks the user to do so. */
  ensureBucket(at: Address): Promise<void>;
}

type StorageErrorOptions = ErrorOptions & {
  /** The HTTP status of the answer, if there was one. */
  readonly status?: number | undefined;
  /** Whether the same store has answered successfully before. @default false */
  readonly isProven?: boolean | undefined;
};

/** The failure of a storage operation, with the store's own code and message. */
export class StorageError extends Error {
  override name = "StorageError";
  /** The store's own code (`NoSuchKey`, `AccessDenied`, `SignatureDoesNotMatch`), or the system's (`ENOTFOUND`, `EACCES`). */
  readonly code: string;
  /** Undefined if there was no answer. */
  readonly status: number | undefined;
  readonly class: FailureClass;

  constructor(code: string, message: string, { status, isProven, ...options }: StorageErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.status = status;
    this.class = classOf({ code, status }, isProven);
  }
}

import { unlink } from "node:fs/promises";
import path from "node:path";
import { formatAddress, type Address, type FileAddress } from "../../shared/address.ts";
import { hasCode, naming } from "./file-failure.ts";
import { sweep, tidy } from "./file-folders.ts";
import { listFiles } from "./file-list.ts";
import { fileEtag, fileStats, openFileAt, readFileAt } from "./file-read.ts";
import { FileRoots } from "./file-roots.ts";
import {
  abortFileUpload,
  completeFileUpload,
  createFileUpload,
  openFileUpload,
  putFile,
  uploadFilePart,
} from "./file-upload.ts";
import {
  StorageError,
  type ByteRange,
  type ByteStream,
  type ObjectInfo,
  type OpenFile,
  type OpenUpload,
  type Store,
  type UploadOutcome,
} from "./store.ts";

const own = (at: Address): FileAddress => {
  if (at.scheme !== "file") throw new TypeError(`a file store was given an ${at.scheme} address`);
  return at;
};

/** How many files of a listing to stat concurrently. One at a time would mostly wait for the system. */
const headsAtOnce = 32;

/** A store of `file:` addresses within the given directories. */
export class FileStore implements Store {
  readonly #roots: FileRoots;
  readonly #signal: AbortSignal | undefined;

  /** @param roots absolute paths; addresses and links that lead outside them are refused */
  constructor(roots: readonly string[], signal?: AbortSignal) {
    this.#roots = new FileRoots(roots);
    this.#signal = signal;
  }

  head(at: Address): Promise<ObjectInfo | undefined> {
    return this.#at(at, (real) => this.#info(own(at), real));
  }

  async *list(prefix: Address): AsyncGenerator<ObjectInfo> {
    const { scheme, path: beginning } = own(prefix);
    const files = listFiles(this.#roots, beginning);
    for (let listed = false; !listed;) {
      this.#signal?.throwIfAborted();
      const some: string[] = [];
      while (some.length < headsAtOnce && !listed) {
        const { done, value: file } = await naming(own(prefix), () => files.next());
        if (done === true) listed = true;
        else some.push(file);
      }
      // files removed in the meantime are omitted
      const infos = await Promise.all(some.map((file) => this.head({ scheme, path: file })));
      for (const info of infos) if (info !== undefined) yield info;
    }
  }

  read(at: Address, range?: ByteRange, etag?: string, reusesMemory = false): Promise<ByteStream> {
    const file = own(at);
    return this.#at(at, (real) =>
      readFileAt(this.#roots, file, real, { range, etag, reusesMemory, signal: this.#signal }),
    );
  }

  open(at: Address, etag: string): Promise<OpenFile> {
    const file = own(at);
    return this.#at(at, (real) => openFileAt(this.#roots, file, real, etag));
  }

  put(at: Address, bytes: Uint8Array): Promise<void> {
    return this.#file(at, (real) => putFile(this.#roots, real, bytes));
  }

  async remove(all: readonly Address[]): Promise<void> {
    for (const at of all) {
      if (own(at).path.endsWith("/")) await this.#at(at, (real) => sweep(this.#roots, real));
      else await this.#remove(own(at));
    }
  }

  createUpload(at: Address): Promise<string> {
    return this.#file(at, (real) => createFileUpload(this.#roots, real));
  }

  uploadPart(at: Address, uploadId: string, number: number, bytes: Uint8Array): Promise<string> {
    return this.#file(at, (real) => uploadFilePart(this.#roots, real, uploadId, number, bytes));
  }

  openUpload(at: Address, uploadId: string): Promise<OpenUpload> {
    const file = own(at);
    return this.#file(at, (real) => openFileUpload(this.#roots, file, real, uploadId, this.#signal));
  }

  completeUpload(at: Address, uploadId: string, tags: readonly string[]): Promise<UploadOutcome> {
    return this.#file(at, (real) => completeFileUpload(this.#roots, real, uploadId, tags));
  }

  abortUpload(at: Address, uploadId: string): Promise<void> {
    return this.#file(at, (real) => abortFileUpload(this.#roots, real, uploadId));
  }

  abortUploads(folder: Address): Promise<void> {
    return this.#at(folder, (real) => sweep(this.#roots, real));
  }

  /** Only checks the roots. Folders are created with their first file. */
  ensureBucket(at: Address): Promise<void> {
    return this.#at(at, async () => {});
  }

  async #info(at: FileAddress, real: string): Promise<ObjectInfo | undefined> {
    const stats = at.path.endsWith("/") ? undefined : await fileStats(real);
    return stats === undefined ? undefined : { address: at, size: Number(stats.size), etag: fileEtag(stats) };
  }

  #remove(at: FileAddress): Promise<void> {
    // for a link, the link itself is removed
    const folder = { ...at, path: path.dirname(at.path) };
    return this.#at(folder, async (real) => {
      try {
        await unlink(path.join(real, path.basename(at.path)));
      } catch (error) {
        // a folder is no object
        if (!hasCode(error, "ENOENT", "ENOTDIR", "EISDIR")) throw error;
      }
      await tidy(this.#roots, real);
    });
  }

  /** Runs `work` on the real path of an address. */
  #at<T>(at: Address, work: (real: string) => Promise<T>): Promise<T> {
    const file = own(at);
    return naming(file, async () => {
      this.#signal?.throwIfAborted();
      return work(this.#roots.real(file.path));
    });
  }

  /** Like `#at`, for work that creates a file, which a folder's address cannot name. */
  #file<T>(at: Address, work: (real: string) => Promise<T>): Promise<T> {
    return this.#at(at, async (real) => {
      if (!real.isWellFormed()) {
        throw new StorageError("EILSEQ", `${formatAddress(at)}: only names in UTF-8 are written to (EILSEQ)`);
      }
      if (!own(at).path.endsWith("/")) return work(real);
      throw new StorageError(
        "EISDIR",
        `${formatAddress(at)}: an address ending in / names a folder, not a file (EISDIR)`,
      );
    });
  }
}

import { createWriteStream } from "node:fs";
import { link, lstat, mkdir, realpath, symlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { maxUnpackedBytes, maxUnpackedEntries } from "../../../shared/limits.ts";
import { hasCode } from "../../storage/file-failure.ts";
import { ArchiveError } from "./archive-error.ts";

/** The system's error codes for an entry name that is taken or too long. */
const nameErrors = ["EEXIST", "ENOTDIR", "EISDIR", "ENAMETOOLONG"];

/**
 * A new folder to unpack an archive into. Nothing in the archive can lead out of it: symbolic links are created last, so that
 * nothing is written through one, and are then resolved to check where they really lead. Every method throws an `ArchiveError`
 * if something is wrong with the entry of that name.
 */
export class ArchiveFolder {
  readonly #archive: string;
  readonly #root: string;
  readonly #signal: AbortSignal;
  readonly #onProgress: () => void;
  readonly #symlinks: { readonly name: string; readonly path: string; readonly target: string }[] = [];
  #entries = 0;
  #bytes = 0;

  private constructor(archive: string, root: string, signal: AbortSignal, onProgress: () => void) {
    this.#archive = archive;
    this.#root = root;
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  /**
   * @param archive the archive's name, for messages
   * @param root must not exist yet
   * @param onProgress called whenever something has been unpacked
   */
  static async create(
    archive: string,
    root: string,
    signal: AbortSignal,
    onProgress: () => void,
  ): Promise<ArchiveFolder> {
    await mkdir(root);
    return new ArchiveFolder(archive, root, signal, onProgress);
  }

  async addFolder(name: string): Promise<void> {
    const path = this.#admit(name);
    await this.#naming(name, () => mkdir(path, { recursive: true }));
  }

  /** Adds a read-only file. Of its mode, only the executable bit is kept. */
  async addFile(name: string, isExecutable: boolean, content: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#admit(name);
    const counted = async function* (this: ArchiveFolder): AsyncGenerator<Uint8Array> {
      for await (const chunk of content) {
        this.#count(chunk.length);
        yield chunk;
      }
    };
    await this.#naming(name, async () => {
      await mkdir(dirname(path), { recursive: true });
      const file = createWriteStream(path, { flags: "wx", mode: isExecutable ? 0o555 : 0o444 });
      await pipeline(counted.call(this), file, { signal: this.#signal });
    });
  }

  /** Adds another name for a file that was added earlier. */
  async addHardLink(name: string, target: string): Promise<void> {
    const path = this.#admit(name);
    const file = this.#pathOf(target, name);
    const isFile = await lstat(file).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!isFile) throw this.refusal(name, `is a link to '${target}', which is no file before it`);
    await this.#naming(name, async () => {
      await mkdir(dirname(path), { recursive: true });
      await link(file, path);
    });
  }

  /** Adds a symbolic link, which `finish` creates. */
  async addSymlink(name: string, target: string): Promise<void> {
    const path = this.#admit(name);
    await this.#naming(name, () => mkdir(dirname(path), { recursive: true }));
    this.#symlinks.push({ name, path, target });
  }

  /** Creates and checks the symbolic links. Must be called after the last entry. */
  async finish(): Promise<void> {
    for (const { name, path, target } of this.#symlinks) await this.#naming(name, () => symlink(target, path));
    const root = await realpath(this.#root);
    for (const { name, path, target } of this.#symlinks) {
      const real = await realpath(path).catch(() => undefined);
      if (real === undefined) throw this.refusal(name, `is a link to '${target}', which leads nowhere`);
      if (real !== root && !real.startsWith(root + sep)) {
        throw this.refusal(name, `is a link to '${target}', which leads out of it`);
      }
    }
  }

  refusal(name: string, problem: string, cause?: unknown): ArchiveError {
    return new ArchiveError(this.#archive, `cannot be unpacked: its entry '${name}' ${problem}`, { cause });
  }

  /** Counts an entry and returns its path. */
  #admit(name: string): string {
    this.#signal.throwIfAborted();
    this.#onProgress();
    if (++this.#entries > maxUnpackedEntries) {
      throw new ArchiveError(this.#archive, `holds more than ${maxUnpackedEntries} entries, which is the most`);
    }
    return this.#pathOf(name);
  }

  /** Resolves a path in the archive. @param linkedBy the entry that links to the path, unless it is the entry's own */
  #pathOf(path: string, linkedBy?: string): string {
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    const refuse = (problem: string): ArchiveError =>
      linkedBy === undefined
        ? this.refusal(path, problem)
        : this.refusal(linkedBy, `is a link to '${path}', which ${problem}`);
    if (path.startsWith("/")) throw refuse("has an absolute path");
    if (parts.includes("..")) throw refuse("leads out of it");
    if (path.includes("\0")) throw refuse("has a NUL character");
    return join(this.#root, ...parts);
  }

  #count(bytes: number): void {
    this.#onProgress();
    this.#bytes += bytes;
    if (this.#bytes <= maxUnpackedBytes) return;
    throw new ArchiveError(this.#archive, `holds more than ${maxUnpackedBytes} bytes, which is the most`);
  }

  async #naming(name: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!hasCode(error, ...nameErrors)) throw error;
      const problem = hasCode(error, "ENAMETOOLONG") ? "has too long a name" : "has the name of another one";
      throw this.refusal(name, problem, error);
    }
  }
}

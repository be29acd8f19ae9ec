import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Artifact } from "../../shared/api/artifacts.ts";
import type { RunnerJob } from "../../shared/protocol/runner.ts";
import { askWorker } from "./ask-worker.ts";
import type { RunnerToken } from "./runner-token.ts";

/** Longest program, in bytes, that is fetched before a task needs it. */
const mostFetchedAhead = 1024 * 1024;

type ContentCacheOptions = {
  /** Where to keep the contents. Created when needed. */
  readonly folder: string;
  readonly workerUrl: string;
  readonly jobId: string;
  readonly token: RunnerToken;
};

/** The contents of a job's artifacts on the runner's disk. Read-only; each is fetched once. */
export class ContentCache {
  readonly #options: ContentCacheOptions;
  readonly #fetched = new Map<string, Promise<string>>();

  constructor(options: ContentCacheOptions) {
    this.#options = options;
  }

  /** @returns the path of a file with the artifact's content @throws Error if it cannot be fetched */
  async get(artifact: Artifact): Promise<string> {
    const { type, hash } = artifact;
    const fetching = this.#fetched.get(hash) ?? this.#fetch(artifact);
    this.#fetched.set(hash, fetching);
    // A failure is not cached: the next attempt fetches again.
    fetching.catch(() => this.#fetched.delete(hash));
    const path = await fetching;
    // The same content can already have been fetched as a file, without execute permission.
    if (type === "executable") await chmod(path, 0o555);
    return path;
  }

  /** Fetches short programs before a task needs them. One that cannot be fetched is fetched again when a task does. */
  fetchAhead({ mapper, reducer, combiner }: RunnerJob["programs"]): void {
    for (const program of [mapper, combiner, reducer]) {
      if (program === undefined || program.type === "builtin" || program.size > mostFetchedAhead) continue;
      this.get(program).catch(() => undefined);
    }
  }

  async #fetch({ type, name, hash }: Artifact): Promise<string> {
    const { folder, workerUrl, jobId, token } = this.#options;
    const path = join(folder, hash);
    const url = new URL(`/api/v1/jobs/${jobId}/contents/${hash}`, workerUrl);
    await mkdir(folder, { recursive: true });
    try {
      await askWorker(url, token, { method: "GET", success: 200 }, async (body) => storeContent(body, path, hash));
    } catch (error) {
      throw new Error(`the ${type} ${name} could not be fetched: ${String(error)}`, { cause: error });
    }
    return path;
  }
}

/** @throws Error if the content has a different hash */
const storeContent = async (body: AsyncIterable<Buffer>, path: string, hash: string): Promise<void> => {
  const digest = createHash("sha256");
  const hashed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      digest.update(chunk);
      yield chunk;
    }
  };
  const part = `${path}.part`;
  await pipeline(body, hashed, createWriteStream(part));
  if (digest.digest("hex") !== hash) throw new Error("the content does not have the hash that the job has pinned");
  await chmod(part, 0o444);
  await rename(part, path);
};

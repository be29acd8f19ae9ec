import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { RunnerJob } from "../../shared/protocol/runner.ts";
import type { ProgramRole } from "../../shared/protocol/tasks.ts";
import { askWorker } from "./ask-worker.ts";
import type { Program } from "./programs/program.ts";
import type { RunnerToken } from "./runner-token.ts";

/** The programs of a job on the runner's disk, each fetched once, when a task first needs it. */
export class ProgramCache {
  readonly #folder: string;
  readonly #url: string;
  readonly #token: RunnerToken;
  readonly #fetched = new Map<ProgramRole, Promise<Program>>();

  /** @param folder where the programs are kept, created when needed */
  constructor(folder: string, workerUrl: string, token: RunnerToken) {
    this.#folder = folder;
    this.#url = workerUrl;
    this.#token = token;
  }

  /** @throws Error when the job has no program in that role, or its content cannot be had */
  async get(job: RunnerJob, role: ProgramRole): Promise<Program> {
    const known = this.#fetched.get(role);
    if (known !== undefined) return known;
    const fetching = this.#fetch(job, role);
    this.#fetched.set(role, fetching);
    // A failure is not kept: the next attempt asks again.
    fetching.catch(() => this.#fetched.delete(role));
    return fetching;
  }

  async #fetch(job: RunnerJob, role: ProgramRole): Promise<Program> {
    const ref = job.programs[role];
    if (ref === undefined) throw new Error(`the job has no ${role}`);
    const { name, type, hash, args = [] } = ref;
    const folder = join(this.#folder, role);
    await mkdir(folder, { recursive: true });
    // Its own name, because that is what its error messages show; a module needs the ending that makes it one.
    const path = join(folder, type === "module" && !name.endsWith(".mjs") ? `${basename(name)}.mjs` : basename(name));
    const url = new URL(`/api/v1/jobs/${job.jobId}/programs/${role}`, this.#url);
    try {
      await askWorker(url, this.#token, { method: "GET", success: 200 }, async (body) =>
        storeContent(body, path, hash),
      );
    } catch (error) {
      throw new Error(`the ${role} ${name} could not be fetched: ${String(error)}`, { cause: error });
    }
    return { role, name, type, path, args };
  }
}

/** @throws Error where the content has another hash */
const storeContent = async (body: AsyncIterable<Buffer>, path: string, hash: string): Promise<void> => {
  const digest = createHash("sha256");
  const hashed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      digest.update(chunk);
      yield chunk;
    }
  };
  await pipeline(body, hashed, createWriteStream(path, { mode: 0o700 }));
  if (digest.digest("hex") !== hash) throw new Error("the content does not have the hash that the job has pinned");
};

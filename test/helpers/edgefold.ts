import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { parseAddress, type Address } from "../../shared/address.ts";
import { ArtifactSchema, type Artifact, type ArtifactType } from "../../shared/api/artifacts.ts";
import { JobSchema, type Job } from "../../shared/api/jobs.ts";
import { TaskSchema, type Task } from "../../shared/api/tasks.ts";
import { isEnded } from "../../shared/status.ts";
import { localKeys } from "../../backend/host/local-access.ts";
import { startAgent, startWorker, type PartOptions } from "../../backend/host/parts.ts";
import { freePort } from "../../backend/host/port.ts";
import type { Guarded } from "../../backend/host/guarded.ts";
import { openStore } from "../../backend/storage/open.ts";
import type { Store } from "../../backend/storage/store.ts";

export type EdgefoldOptions = {
  /** For the Worker, the agent and its runners. */
  readonly env?: Readonly<Record<string, string>>;
  /** Starts without an agent. */
  readonly withoutAgent?: boolean;
  /** Directories, besides `files`, that `file:` addresses may point into. */
  readonly fileRoots?: readonly string[];
  /** Receives the standard error of the Worker and the agent. @default this process's own */
  readonly log?: PartOptions["log"];
};

/** A complete Edgefold with real processes and its own state, for end-to-end tests. */
export class Edgefold {
  readonly port: number;
  readonly url: string;
  readonly s3Endpoint: string;
  /** Holds the state, and `files`, which `file:` addresses may point into. */
  readonly dir: string;
  readonly files: string;
  readonly keys = localKeys;
  worker: Guarded | undefined;
  agent: Guarded | undefined;
  readonly #env: Readonly<Record<string, string>>;
  readonly #fileRoots: readonly string[];
  readonly #log: PartOptions["log"];

  private constructor(port: number, dir: string, options: EdgefoldOptions) {
    const { env = {}, fileRoots = [], log } = options;
    this.port = port;
    this.dir = dir;
    this.files = join(dir, "files");
    this.url = `http://localhost:${port}`;
    this.s3Endpoint = `${this.url}/cdn-cgi/local/r2/s3`;
    this.#env = env;
    this.#fileRoots = [this.files, ...fileRoots];
    this.#log = log;
  }

  static async start(options: EdgefoldOptions = {}): Promise<Edgefold> {
    const edgefold = new Edgefold(await freePort(), await mkdtemp(join(tmpdir(), "edgefold-")), options);
    await edgefold.startWorker();
    if (options.withoutAgent !== true) await edgefold.startAgent();
    return edgefold;
  }

  get stateDir(): string {
    return join(this.dir, "state");
  }

  async startWorker(): Promise<void> {
    this.worker = await startWorker(this.port, this.stateDir, {
      env: { ...process.env, ...this.#env },
      log: this.#log,
    });
  }

  /**
   * @param url where the agent and its runners reach the Worker
   * @param env for the agent and its runners, in addition to the common environment
   */
  async startAgent(url = this.url, env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.agent = await startAgent(url, this.stateDir, this.#fileRoots, {
      env: { ...process.env, ...this.#env, ...env },
      log: this.#log,
    });
  }

  /** Ends everything and removes the state. */
  async stop(): Promise<void> {
    await this.agent?.stop();
    await this.worker?.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** The local S3 endpoint, seen through the product's own client. */
  get store(): Store {
    return openStore({ credentials: this.keys, fileRoots: [this.files] });
  }

  /** The address of a key of the local S3 endpoint. */
  at(key: string): Address {
    return parseAddress(`${this.s3Endpoint}/${key}`, false);
  }

  async put(key: string, content: string | Uint8Array): Promise<string> {
    await this.store.put(this.at(key), typeof content === "string" ? Buffer.from(content) : content);
    return `${this.s3Endpoint}/${key}`;
  }

  async readAll(url: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.store.read(parseAddress(url, false))) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  }

  /** All keys in the bucket. */
  async keysIn(bucket: string, prefix = ""): Promise<string[]> {
    const keys: string[] = [];
    for await (const { address } of this.store.list(this.at(`${bucket}/${prefix}`))) {
      keys.push(address.scheme === "s3" ? address.key : address.path);
    }
    return keys;
  }

  /** The contents of a completed job's parts, in order. */
  async outputsOf(job: Job): Promise<Buffer[]> {
    return Promise.all(job.outputs.map((part) => this.readAll(part)));
  }

  async upload(name: string, content: string | Uint8Array, type: ArtifactType = "executable"): Promise<Artifact> {
    const form = new FormData();
    form.set("type", type);
    form.set("program", new Blob([Buffer.from(content)]), name);
    const answer = await fetch(`${this.url}/api/v1/artifacts`, { method: "PUT", body: form });
    if (answer.status !== 200) throw new Error(`upload of ${name}: ${answer.status} ${await answer.text()}`);
    return ArtifactSchema.parse(await answer.json());
  }

  async uploadFile(path: string, type: ArtifactType = "executable"): Promise<Artifact> {
    return this.upload(basename(path), await readFile(path), type);
  }

  /** Posts a job on the local S3 endpoint. `request` overrides and extends the default request. */
  async post(request: Record<string, unknown>, headers: Readonly<Record<string, string>> = {}): Promise<Job> {
    const answer = await this.postRaw(request, headers);
    if (answer.status !== 201) throw new Error(`POST /jobs: ${answer.status} ${await answer.text()}`);
    return JobSchema.parse(await answer.json());
  }

  async postRaw(request: Record<string, unknown>, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${this.url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({
        outputPath: this.s3Endpoint,
        inputStorageCredentials: this.keys,
        outputStorageCredentials: this.keys,
        ...request,
      }),
    });
  }

  async job(id: string): Promise<Job> {
    const answer = await fetch(`${this.url}/api/v1/jobs/${id}`);
    if (answer.status !== 200) throw new Error(`GET job: ${answer.status} ${await answer.text()}`);
    return JobSchema.parse(await answer.json());
  }

  async listJobs(): Promise<Job[]> {
    return z.array(JobSchema).parse(await (await fetch(`${this.url}/api/v1/jobs`)).json());
  }

  async tasks(id: string): Promise<Task[]> {
    return z.array(TaskSchema).parse(await (await fetch(`${this.url}/api/v1/jobs/${id}/tasks`)).json());
  }

  /** Resumes a held job. */
  async resume(id: string, changes: Record<string, unknown>): Promise<Job> {
    const answer = await fetch(`${this.url}/api/v1/jobs/${id}/resume`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(changes),
    });
    if (answer.status !== 200) throw new Error(`POST /jobs/${id}/resume: ${answer.status} ${await answer.text()}`);
    return JobSchema.parse(await answer.json());
  }

  async stopJob(id: string): Promise<Response> {
    return fetch(`${this.url}/api/v1/jobs/${id}`, { method: "DELETE" });
  }

  /** Waits until the job satisfies `what`; ignores connection failures meanwhile. */
  async waitFor(id: string, what: (job: Job) => boolean, limitMs = 90_000): Promise<Job> {
    let last: Job | undefined;
    for (const end = Date.now() + limitMs; Date.now() < end; await sleep(50)) {
      last = await this.job(id).catch(() => last);
      if (last !== undefined && what(last)) return last;
    }
    throw new Error(`the job did not get there within ${limitMs / 1000} s: ${JSON.stringify(last)}`);
  }

  async ended(id: string, limitMs = 90_000): Promise<Job> {
    return this.waitFor(id, ({ status }) => isEnded(status), limitMs);
  }

  async completed(id: string, limitMs = 90_000): Promise<Job> {
    const job = await this.ended(id, limitMs);
    if (job.status !== "completed") throw new Error(`the job has ${job.status}: ${JSON.stringify(job.error)}`);
    return job;
  }
}

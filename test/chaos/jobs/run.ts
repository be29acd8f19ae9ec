import { setTimeout as sleep } from "node:timers/promises";
import { parseAddress, type Address } from "../../../shared/address.ts";
import { JobSchema, type Job } from "../../../shared/api/jobs.ts";
import { isEnded } from "../../../shared/status.ts";
import { jobFolder } from "../live-jobs.ts";
import type { Stage } from "../stage.ts";
import { endpointOf } from "../store.ts";
import { storedContent, type JobKind, type JobPlan } from "./plan.ts";
import { expectedDigests, outputDigests, type Digest } from "./reference.ts";

/** How a job went. */
export type JobOutcome = {
  readonly number: number;
  readonly id: string;
  readonly kind: JobKind;
  readonly end: "completed" | "failed" | "stopped" | "hung";
  /** The number of its output records that were compared with the reference. */
  readonly records: number;
  readonly seconds: number;
  /** What went wrong, if anything. */
  readonly problem: string | undefined;
};

/** For one job, from its POST; no fault lasts nearly as long. */
const jobLimitMs = 240_000;

const pollMs = 250;

/** Repeats a request until it is answered: the Worker can be down at any time. */
const insist = async <T>(what: string, ask: () => Promise<T | undefined>): Promise<T> => {
  let last: unknown;
  for (const end = Date.now() + jobLimitMs; Date.now() < end; await sleep(pollMs)) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`${what} is not to be had: ${String(last)}`);
};

/** One job, from its input to the comparison of its output. */
export class JobRun {
  readonly #stage: Stage;
  readonly #plan: JobPlan;
  /** Its folder in the bucket, with a trailing slash. */
  readonly #folder: string;

  /** @param run the folder of the suite's run in the bucket */
  constructor(stage: Stage, plan: JobPlan, run: string) {
    this.#stage = stage;
    this.#plan = plan;
    this.#folder = `${run}/${jobFolder(plan.number)}/`;
  }

  async perform(): Promise<JobOutcome> {
    const { number, kind } = this.#plan;
    const began = performance.now();
    await this.#putInput();
    const { id } = await this.#post(began);
    this.#stage.jobs.begin(id, number);
    let job: Job | undefined;
    try {
      if (kind === "stopped") await this.#stopMidway(id);
      job = await this.#ended(id);
    } finally {
      this.#stage.jobs.end(id);
    }
    const seconds = (performance.now() - began) / 1000;
    const common = { number, id, kind, seconds };
    if (job === undefined) return { ...common, end: "hung", records: 0, problem: await this.#describe(id) };
    const { records, problem } = await this.#judge(job);
    const told = problem === undefined ? undefined : `${problem}\n${await this.#describe(id)}`;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has ended
    return { ...common, end: job.status as "completed" | "failed" | "stopped", records, problem: told };
  }

  /** The keys of the job's output. */
  async outputKeys(id: string): Promise<string[]> {
    const folder = `${this.#folder}out/${id}/`;
    const keys: string[] = [];
    for await (const { address } of this.#stage.directStore.list(this.#at(folder))) {
      if (address.scheme === "s3") keys.push(address.key.slice(folder.length));
    }
    return keys.sort();
  }

  #at(key: string): Address {
    const { store } = this.#stage;
    return parseAddress(`${endpointOf(store)}/${store.bucket}/${key}`, false);
  }

  /** Bypasses the proxy, so that the suite's own requests meet no faults. */
  async #putInput(): Promise<void> {
    const { directStore } = this.#stage;
    for (const object of this.#plan.objects) {
      await directStore.put(this.#at(`${this.#folder}in/${object.name}`), storedContent(object));
    }
  }

  async #post(began: number): Promise<Job> {
    const { edgefold, storage, store } = this.#stage;
    const root = `${storage.endpoint}/${store.bucket}/${this.#folder}`;
    const request = {
      ...this.#plan.request,
      inputPath: `${root}in/`,
      outputPath: `${root}out`,
      inputStorageCredentials: store.credentials,
      outputStorageCredentials: store.credentials,
    };
    // Prevents a second job if the answer to a POST is lost.
    const headers = { "Idempotency-Key": `${this.#folder}${began}` };
    return insist("a job", async () => {
      const answer = await edgefold.postRaw(request, headers);
      const text = await answer.text();
      if (answer.status === 201) return JobSchema.parse(JSON.parse(text));
      if (answer.status >= 500) return undefined;
      throw new Error(`POST /jobs: ${answer.status} ${text}`);
    });
  }

  /** Waits until the job has begun, then a while longer, and stops it. */
  async #stopMidway(id: string): Promise<void> {
    const { edgefold } = this.#stage;
    await insist("the job's beginning", async () => {
      const { status } = await edgefold.job(id);
      return status === "pending" || status === "planning" ? undefined : true;
    });
    await sleep(this.#plan.stopAfterMs);
    await insist("the stop", async () => {
      const { status } = await edgefold.stopJob(id);
      return status === 200 || status === 409 ? true : undefined;
    });
  }

  async #ended(id: string): Promise<Job | undefined> {
    for (const end = Date.now() + jobLimitMs; Date.now() < end; await sleep(pollMs)) {
      const job = await this.#stage.edgefold.job(id).catch(() => undefined);
      if (job !== undefined && isEnded(job.status)) return job;
    }
    return undefined;
  }

  async #judge(job: Job): Promise<{ readonly records: number; readonly problem?: string }> {
    const { kind } = this.#plan;
    if (job.status === "completed") {
      if (kind === "failing") return { records: 0, problem: "it has completed though its program fails" };
      return this.#compare(job);
    }
    const isMeant = (kind === "failing" && job.status === "failed") || (kind === "stopped" && job.status === "stopped");
    return isMeant ? { records: 0 } : { records: 0, problem: `it has ${job.status}: ${JSON.stringify(job.error)}` };
  }

  async #compare(job: Job): Promise<{ readonly records: number; readonly problem?: string }> {
    const { nReducers } = this.#plan.request;
    const keys = await this.outputKeys(job.id);
    const parts = keys.filter((key) => key.startsWith("part-"));
    const count = nReducers === 0 ? job.progress.maps.total : nReducers;
    if (!keys.includes("_SUCCESS")) return { records: 0, problem: "there is no _SUCCESS" };
    if (parts.length !== count || keys.length !== count + 1) {
      return { records: 0, problem: `its output is ${keys.join(", ")}, not ${count} parts` };
    }
    const contents = await Promise.all(parts.map((key) => this.#read(job.id, key)));
    const found = outputDigests(this.#plan, contents);
    const expected = expectedDigests(this.#plan, contents);
    const records = expected.reduce((sum, digest) => sum + digest.records, 0);
    return JSON.stringify(found) === JSON.stringify(expected)
      ? { records }
      : { records, problem: `its output is wrong: ${difference(found, expected)}` };
  }

  async #read(id: string, key: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.#stage.directStore.read(this.#at(`${this.#folder}out/${id}/${key}`))) {
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks);
  }

  /** Everything known about a job that went wrong. */
  async #describe(id: string): Promise<string> {
    const { edgefold, log } = this.#stage;
    const { mapperName, reducerName, combinerName } = this.#plan.request;
    const [job, tasks] = await Promise.all([edgefold.job(id), edgefold.tasks(id)]).catch(
      () => [undefined, []] as const,
    );
    const open = tasks.filter(({ status, error }) => status !== "completed" || error !== null);
    return [
      `programs: ${JSON.stringify({ mapperName, reducerName, combinerName })}`,
      `job: ${JSON.stringify(job)}`,
      ...open.map((task) => `task: ${JSON.stringify(task)}`),
      `last lines of its log:\n${log.last(20, id)}`,
      `last lines of all:\n${log.last(40)}`,
    ].join("\n");
  }
}

const difference = (found: readonly Digest[], expected: readonly Digest[]): string =>
  found
    .map(({ records, sha256 }, index) => ({ records, sha256, wanted: expected[index] }))
    .filter(({ sha256, wanted }) => sha256 !== wanted?.sha256)
    .map(({ records, wanted }) => `a part of ${records} records, not ${wanted?.records}`)
    .join("; ");

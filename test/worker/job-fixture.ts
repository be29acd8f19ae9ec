import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { expect } from "vitest";
import { noCounters } from "../../shared/counters.ts";
import { protocolVersion, runnerFeatures } from "../../shared/protocol/versions.ts";
import {
  RunnerAnswerSchema,
  RunnerNoticeSchema,
  RunnerRequestSchema,
  type RunnerAnswer,
  type RunnerNotice,
  type RunnerRequest,
} from "../../shared/protocol/runner.ts";
import type { Assignment, Result } from "../../shared/protocol/tasks.ts";
import { JobRequestSchema } from "../../shared/api/job-request.ts";
import { jobOf } from "../../worker/env.ts";
import type { Job } from "../../shared/api/jobs.ts";
import type { JobApi, Report, Page, PageRequest } from "../../worker/contracts.ts";
import type { JobSpec, PinnedProgram } from "../../worker/job/spec.ts";
import { Peer } from "./peer.ts";

export const password = "storage-password";

const program = (name: string): PinnedProgram => ({
  name,
  type: "executable",
  size: 1,
  hash: "00",
  key: `key-${name}`,
});

export const specOf = (changes: Record<string, unknown> = {}): JobSpec => ({
  id: uuidv7(),
  createdAt: Date.now(),
  submittedBy: "api",
  cluster: "default",
  credentialSecrets: [],
  request: JobRequestSchema.parse({
    inputPath: "http://store/input/",
    outputPath: "http://store/out",
    mapperName: "mapper",
    reducerName: "reducer",
    nReducers: 2,
    splitSize: 100,
    inputStorageCredentials: { username: "me", password },
    outputStorageCredentials: { username: "me", password },
    ...changes,
  }),
  programs: { mapper: program("mapper"), reducer: program("reducer") },
});

export type Runner = Peer<RunnerRequest, RunnerAnswer, RunnerNotice>;

type UnnumberedReport = Report extends infer R ? (R extends Report ? Omit<R, "seq"> : never) : never;

/** A job's object, with the operations that tests need. */
export class JobFixture {
  readonly id: string;
  readonly stub: DurableObjectStub<JobApi>;
  #reports = 0;

  constructor(id: string) {
    this.id = id;
    this.stub = jobOf(env, id);
  }

  static async create(changes: Record<string, unknown> = {}, cluster = "default"): Promise<JobFixture> {
    const spec = { ...specOf(changes), cluster };
    const fixture = new JobFixture(spec.id);
    await fixture.stub.create(spec, Infinity);
    return fixture;
  }

  async dial(): Promise<Runner> {
    return await Peer.dial(this.stub, {
      request: RunnerRequestSchema,
      answer: RunnerAnswerSchema,
      notice: RunnerNoticeSchema,
    });
  }

  /** Connects a runner and says hello. Fails unless it is welcomed. */
  async runner(runnerId = "runner", attempt: string | null = null, features: string[] = []): Promise<Runner> {
    const runner = await this.dial();
    expect(await this.hello(runner, runnerId, attempt, features)).toMatchObject({ kind: "welcome" });
    return runner;
  }

  async hello(
    runner: Runner,
    runnerId = "runner",
    attempt: string | null = null,
    features: readonly string[] = runnerFeatures,
  ): Promise<RunnerAnswer> {
    return await runner.request({
      kind: "hello",
      version: protocolVersion,
      runnerId,
      podName: `pod-${runnerId}`,
      attempt,
      features: [...features],
    });
  }

  /** Plans the job with input objects of these sizes. @returns its first map */
  async planned(runner: Runner, sizes: readonly number[] = [100, 100]): Promise<Assignment> {
    const plan = await claimed(runner);
    const objects = sizes.map((size, i) => ({ path: `http://store/input/${i}`, size, etag: `"${i}"` }));
    expect(await runner.request({ kind: "planned", attempt: plan.attempt, page: 0, objects })).toMatchObject({
      kind: "done",
    });
    return taskOf(await complete(runner, plan));
  }

  /** Plans two maps and completes them. @returns the first reduce */
  async mapped(runner: Runner): Promise<Assignment> {
    const first = await this.planned(runner);
    const second = taskOf(await complete(runner, first));
    return taskOf(await complete(runner, second));
  }

  /** Sends a report as the job's cluster would. @param seq by default newer than all previous ones */
  async report(report: UnnumberedReport, seq = ++this.#reports): Promise<boolean> {
    return await this.stub.report([{ seq, ...report }]);
  }

  /** The job as the REST API shows it. */
  async describe(): Promise<Job> {
    return present(await this.stub.describe());
  }

  async tasks(request: PageRequest = {}): Promise<Page> {
    return present(await this.stub.tasks(request));
  }

  /** Runs a query on the object's tables. After any query but SELECT, the object is evicted, so that it reads them again. */
  async query(query: string, ...bindings: (string | number)[]): Promise<Record<string, SqlStorageValue>[]> {
    const rows = await runInDurableObject(this.stub, (_, state) =>
      state.storage.sql.exec(query, ...bindings).toArray(),
    );
    if (!query.startsWith("SELECT")) await this.evict();
    return rows;
  }

  /** Evicts the object's instance. Its sockets hibernate. */
  async evict(): Promise<void> {
    await evictDurableObject(this.stub);
  }

  async alarm(): Promise<number | null> {
    return await runInDurableObject(this.stub, async (_, state) => await state.storage.getAlarm());
  }
}

/** Returns the answer of a job's object. Fails if there is no such job. */
export const present = <T>(answer: T | null): T => {
  if (answer === null) throw new Error("there is no such job");
  return answer;
};

/** Returns the task that an answer hands out. Fails if there is none. */
export const taskOf = (answer: RunnerAnswer): Assignment => {
  if (answer.kind !== "next" || answer.next.next !== "task") throw new Error(`no task: ${JSON.stringify(answer)}`);
  return answer.next.task;
};

export const claim = async (runner: Runner): Promise<RunnerAnswer> => await runner.request({ kind: "claim" });
export const claimed = async (runner: Runner): Promise<Assignment> => taskOf(await claim(runner));

/** The result a runner would report for a task. A map's segments have 10 bytes for the first partition, 20 for the second. */
export const resultOf = ({ kind, attempt, index }: Assignment): Result => {
  switch (kind) {
    case "plan":
      return { kind: "plan" };
    case "map":
      return { kind: "map", shuffle: { path: `http://store/shuffle/${attempt}`, lengths: [10, 20], largestBlock: 20 } };
    case "reduce":
      return {
        kind: "output",
        output: { path: `http://store/out/part-${index}`, uploadId: `upload-${attempt}`, tags: ["a"], size: 1 },
      };
    case "commit":
    case "success":
    case "clean":
      return { kind: "done", lost: [] };
  }
};

export const complete = async (runner: Runner, task: Assignment, result = resultOf(task)): Promise<RunnerAnswer> =>
  await runner.request({ kind: "complete", attempt: task.attempt, result, counters: noCounters });

/** Claims and completes tasks until there are none left. @returns the kinds of the tasks */
export const work = async (runner: Runner): Promise<string[]> => {
  const kinds: string[] = [];
  let answer = await claim(runner);
  while (answer.kind === "next" && answer.next.next === "task") {
    const { task } = answer.next;
    kinds.push(task.kind);
    if (task.kind === "clean") {
      await runner.request({ kind: "uploads", attempt: task.attempt, after: 0 });
      finish(runner, task);
      break;
    }
    answer = await complete(runner, task);
  }
  return kinds;
};

/** Completes the clean-up. It gets no answer, because the link is closed first. */
export const finish = (runner: Runner, clean: Assignment): void => {
  void complete(runner, clean);
};

/** Moves every lease into the past, and runs the alarm. */
export const outlive = async (job: JobFixture): Promise<void> => {
  await job.query("UPDATE attempt SET lease_until = 1");
  await runDurableObjectAlarm(job.stub);
};

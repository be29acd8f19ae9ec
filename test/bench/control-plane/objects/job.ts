import { JobRequestSchema } from "../../../../shared/api/job-request.ts";
import { noCounters } from "../../../../shared/counters.ts";
import { RunnerAnswerSchema, type RunnerAnswer, type RunnerRequest } from "../../../../shared/protocol/runner.ts";
import type { Assignment, Result } from "../../../../shared/protocol/tasks.ts";
import { protocolVersion } from "../../../../shared/protocol/versions.ts";
import type { Env } from "../../../../worker/env.ts";
import { JobObject } from "../../../../worker/job/object.ts";
import type { JobSpec, PinnedProgram } from "../../../../worker/job/spec.ts";
import { Meter } from "./meter.ts";
import { Socket } from "./socket.ts";

type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;
export type Question = Unnumbered<RunnerRequest>;

const program = (name: string): PinnedProgram => ({ name, type: "executable", size: 1, hash: "00", key: name });

export const jobId = "01900000-0000-7000-8000-000000000000";

export const specOf = (changes: Record<string, unknown>): JobSpec => ({
  id: jobId,
  createdAt: Date.now(),
  submittedBy: "bench",
  cluster: "default",
  credentialSecrets: [],
  request: JobRequestSchema.parse({
    inputPath: "http://store/data/input",
    outputPath: "http://store/out",
    mapperName: "mapper",
    reducerName: "reducer",
    nReducers: 1,
    splitSize: 1,
    inputStorageCredentials: { username: "me", password: "secret" },
    outputStorageCredentials: { username: "me", password: "secret" },
    ...changes,
  }),
  programs: { mapper: program("mapper"), reducer: program("reducer") },
});

/** Replaces the objects that a job calls. @param wants receives the number of runners that the job wants */
const alone = (env: Env, wants: (runners: number) => void): Env => {
  const clusters = {
    want: async ({ runners }: { runners: number }) => wants(runners),
    remove: async () => undefined,
    agentAbsentSince: async () => null,
  };
  const registry = { publish: async () => undefined };
  const others: unknown = { CLUSTERS: { getByName: () => clusters }, REGISTRY: { getByName: () => registry } };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- they have everything a job calls
  const ofJob = others as Pick<Env, "CLUSTERS" | "REGISTRY">;
  return { ...env, ...ofJob };
};

/** A job with its runners in the same object. */
export class MeasuredJob extends JobObject {
  readonly meter: Meter;
  readonly wanted: { runners: number };

  constructor(ctx: DurableObjectState, env: Env, meter = new Meter(ctx), wanted = { runners: 0 }) {
    super(
      ctx,
      alone(env, (runners) => {
        wanted.runners = runners;
      }),
    );
    this.meter = meter;
    this.wanted = wanted;
  }

  get storage(): DurableObjectStorage {
    return this.ctx.storage;
  }
}

/** A runner of such a job. */
export class Runner {
  readonly #job: MeasuredJob;
  readonly #name: string;
  #socket: Socket;
  #answer: RunnerAnswer | undefined;
  #id = 0;
  /** Called with messages that are not answers. */
  onNotice: (text: string) => void = () => undefined;

  constructor(job: MeasuredJob, name: string) {
    this.#job = job;
    this.#name = name;
    this.#socket = this.#connect();
  }

  /** Connects. Replaces an earlier connection without closing it. */
  async hello(): Promise<void> {
    const { sockets } = this.#job.meter;
    const former = sockets.indexOf(this.#socket);
    this.#socket = this.#connect();
    if (former >= 0) sockets.splice(former, 1);
    sockets.push(this.#socket);
    const name = this.#name;
    await this.ask({
      kind: "hello",
      version: protocolVersion,
      runnerId: name,
      podName: name,
      attempt: null,
      features: [],
    });
  }

  /** @throws Error if the job does not answer */
  async ask(question: Question): Promise<RunnerAnswer> {
    this.#answer = undefined;
    await this.#job.webSocketMessage(this.#socket.end, JSON.stringify({ id: ++this.#id, ...question }));
    if (this.#answer === undefined) throw new Error(`no answer to '${question.kind}'`);
    return this.#answer;
  }

  async claim(): Promise<Assignment | undefined> {
    return taskOf(await this.ask({ kind: "claim" }));
  }

  /** @returns the next task */
  async complete({ attempt }: Assignment, result: Result): Promise<Assignment | undefined> {
    return taskOf(await this.ask({ kind: "complete", attempt, result, counters: noCounters }));
  }

  /** Lists the input of a job, so that it has this many maps. @returns the first of them */
  async plan(maps: number): Promise<Assignment | undefined> {
    const task = await this.claim();
    if (task?.kind !== "plan") throw new Error("there is nothing to plan");
    const objects = [{ path: "http://store/data/input", size: maps, etag: '"etag"' }];
    await this.ask({ kind: "planned", attempt: task.attempt, page: 0, objects });
    return await this.complete(task, { kind: "plan" });
  }

  #connect(): Socket {
    return new Socket((text) => {
      const answer = RunnerAnswerSchema.safeParse(JSON.parse(text)).data;
      if (answer === undefined) this.onNotice(text);
      else this.#answer = answer;
    });
  }
}

const taskOf = (answer: RunnerAnswer): Assignment | undefined =>
  answer.kind === "next" && answer.next.next === "task" ? answer.next.task : undefined;

/** The result that a map of the job reports. */
export const mapResult = (task: Assignment, nReducers: number): Result => ({
  kind: "map",
  shuffle: {
    path: `http://store/out/.edgefold/${task.attempt}`,
    lengths: Array.from({ length: nReducers }, () => 9),
    largestBlock: 9,
  },
});

import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../shared/api/jobs.ts";
import { isEnded } from "../../shared/status.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { workOf } from "../helpers/processes.ts";
import { untilNone } from "../helpers/until.ts";
import type { BenchJob } from "./bench-job.ts";
import type { InputOnDisk } from "./inputs.ts";
import type { JobStorage } from "./job-storage.ts";
import type { Measured } from "./measured.ts";
import { ProcessorTime, untilIdle } from "./processor-time.ts";
import type { BenchProgram } from "./programs.ts";
import { RunnerMemory } from "./runner-memory.ts";

/** Polling interval, in ms. A job's end time comes from the job itself, so this does not affect the figures. */
const lookMs = 250;

const runners = 2;

/** An Edgefold with two runners, for jobs one after another. */
export class JobRuns {
  readonly #edgefold: Edgefold;
  readonly #storage: JobStorage;
  readonly #memory: RunnerMemory;
  readonly #uploaded = new Set<string>();

  private constructor(edgefold: Edgefold, storage: JobStorage, memory: RunnerMemory) {
    this.#edgefold = edgefold;
    this.#storage = storage;
    this.#memory = memory;
  }

  /** @param peaks a folder for the runners' figures */
  static async start(storage: JobStorage, peaks: string): Promise<JobRuns> {
    mkdirSync(peaks, { recursive: true });
    const memory = new RunnerMemory(peaks);
    const env = { RUNNERS: String(runners), NODE_OPTIONS: memory.nodeOptions, ...storage.env };
    return new JobRuns(await Edgefold.start({ env, fileRoots: storage.fileRoots }), storage, memory);
  }

  async stop(): Promise<void> {
    await this.#edgefold.stop();
  }

  /**
   * Runs a job. Its time is from just before its POST to its own end. Its processor time also includes its cleanup. Neither
   * includes the start of its runners, nor of those that take their place.
   * @throws Error if it does not complete
   */
  async run(job: BenchJob, input: InputOnDisk): Promise<Measured> {
    const edgefold = this.#edgefold;
    const { mapper, reducer, combiner, aggregate, nReducers, maps, combineInputs } = job;
    await this.#upload(job);
    await this.#storage.prepare();
    await untilIdle(edgefold, runners);
    const processorTime = new ProcessorTime(edgefold);
    const postedAt = Date.now();
    const { id } = await edgefold.post({
      ...this.#storage.fieldsFor(edgefold),
      inputPath: this.#storage.addressOf(input),
      mapperName: nameOf(mapper),
      mapperArgs: typeof mapper === "object" && "args" in mapper ? mapper.args : undefined,
      reducerName: nameOf(reducer),
      combinerName: combiner?.name,
      aggregate,
      nReducers,
      combineInputs,
      splitSize: maps === undefined ? undefined : Math.ceil(input.bytes / maps),
    });
    const ended = await this.#ended(id);
    const { status, endTime, error } = ended;
    if (status !== "completed" || endTime === null) throw new Error(`the job has ${status}: ${JSON.stringify(error)}`);
    const seenAt = Date.now();
    if (endTime < postedAt || endTime > seenAt) throw new Error("the job's clock is not this process's");
    await untilNone("work of a job that has ended", () => workOf(edgefold));
    const used = {
      seconds: (endTime - postedAt) / 1000,
      processorSeconds: processorTime.seconds,
      peakMiB: this.#memory.take(),
    };
    const { output, requests } = await this.#storage.collect(edgefold, ended);
    await untilIdle(edgefold, runners);
    return { figures: { ...used, requests }, output };
  }

  async #upload({ mapper, reducer, combiner }: BenchJob): Promise<void> {
    for (const program of [mapper, reducer, combiner]) {
      if (program === undefined || isBuiltin(program)) continue;
      const { name, type } = program;
      if (this.#uploaded.has(name)) continue;
      await this.#edgefold.upload(name, "compiled" in program ? await program.compiled() : program.text, type);
      this.#uploaded.add(name);
    }
  }

  /** Waits for the end of a job, however long it takes; ignores failed polls while the Worker is running. */
  async #ended(id: string): Promise<Job> {
    const worker = this.#edgefold.worker;
    const gone = new AbortController();
    void worker?.exited.then(() => gone.abort());
    for (; !gone.signal.aborted; await sleep(lookMs)) {
      const job = await this.#edgefold.job(id).catch(() => undefined);
      if (job !== undefined && isEnded(job.status)) return job;
    }
    throw new Error(`the Worker has ended: ${worker?.tail}`);
  }
}

const isBuiltin = (program: BenchProgram): program is Extract<BenchProgram, string> => typeof program === "string";

const nameOf = (program: BenchProgram | undefined): string | undefined =>
  program === undefined || isBuiltin(program) ? program : program.name;

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Job } from "../../shared/api/jobs.ts";
import type { Edgefold } from "./edgefold.ts";
import { makeIndex, type Index } from "./inverted-index.ts";
import { processesOf, runnerOf } from "./processes.ts";
import type { S3Proxy } from "./s3-proxy.ts";
import { Stage } from "./stage.ts";
import { untilNone } from "./until.ts";

const maps = 6;
const nReducers = 3;

/** The tasks of a job, named as `Stage` names attempts: with the number of their current attempt. */
const attemptsOf = async (edgefold: Edgefold, jobId: string): Promise<string[]> =>
  (await edgefold.tasks(jobId)).map(({ id, attempt }) => `${id.slice(jobId.length + 1)}-${attempt}`).sort();

/** The first attempts of all tasks. */
const firstAttempts = [
  ...Array.from({ length: maps }, (_, index) => `m-${index}-1`),
  ...Array.from({ length: nReducers }, (_, index) => `r-${index}-1`),
];

/** The directories of the job's own runners under the agent's. */
const runnerDirectories = (edgefold: Edgefold, jobId: string): string[] => {
  const runners = join(edgefold.stateDir, "agent/runners");
  if (!existsSync(runners)) return [];
  return readdirSync(runners).filter((name) => {
    try {
      return readFileSync(join(runners, name, "job"), "utf8") === jobId;
    } catch {
      return false; // It was just removed.
    }
  });
};

/** A job of six maps and three reduces whose programs wait when told to. */
export class StagedJob {
  readonly id: string;
  readonly stage: Stage;
  readonly #edgefold: Edgefold;
  readonly #proxy: S3Proxy;
  readonly #index: Index;

  private constructor(edgefold: Edgefold, proxy: S3Proxy, stage: Stage, index: Index, id: string) {
    this.#edgefold = edgefold;
    this.#proxy = proxy;
    this.stage = stage;
    this.#index = index;
    this.id = id;
  }

  /** Posts the job. `hold` names the attempts that wait, `request` overrides. The input is also stored as a file, `input`. */
  static async post(
    edgefold: Edgefold,
    proxy: S3Proxy,
    hold: readonly string[] = [],
    request: Record<string, unknown> = {},
  ): Promise<StagedJob> {
    const stage = new Stage(edgefold.dir);
    stage.hold(...hold);
    mkdirSync(edgefold.files, { recursive: true });
    const index = makeIndex(7, maps, nReducers);
    await edgefold.put("data/restarts/input", index.input);
    writeFileSync(join(edgefold.files, "input"), index.input);
    await edgefold.upload("mapper.sh", stage.mapper);
    await edgefold.upload("reducer.sh", stage.reducer);
    const { id } = await edgefold.post({
      inputPath: `${proxy.endpoint}/data/restarts/input`,
      outputPath: proxy.endpoint,
      mapperName: "mapper.sh",
      reducerName: "reducer.sh",
      nReducers,
      splitSize: index.splitSize,
      // Held attempts must not be taken for stragglers.
      speculation: false,
      ...request,
    });
    return new StagedJob(edgefold, proxy, stage, index, id);
  }

  /** Waits until all held programs are waiting and this many tasks are completed, so that nothing else is running. */
  async paused(completed: { readonly maps: number; readonly reduces: number }): Promise<void> {
    await this.stage.held();
    await this.#edgefold.waitFor(
      this.id,
      ({ progress }) => progress.maps.completed === completed.maps && progress.reduces.completed === completed.reduces,
    );
  }

  /** The process of the runner that is running a task, such as `m-2`. */
  async runnerOf(task: string): Promise<number> {
    return runnerOf(this.#edgefold, this.id, `${this.id}-${task}`);
  }

  async status(): Promise<Job["status"]> {
    return (await this.#edgefold.job(this.id)).status;
  }

  /** The contents of the completed job's parts, in order; must equal `expected`. */
  async outputs(): Promise<Buffer[]> {
    return this.#edgefold.outputsOf(await this.#edgefold.job(this.id));
  }

  get expected(): readonly string[] {
    return this.#index.parts;
  }

  /**
   * Waits for the job to complete, and checks its output, its counters, its attempts, and that nothing is left behind.
   *
   * @param again the second attempts that were needed, such as `m-2-2`, in addition to the first attempts of all tasks
   */
  async expectCompleted(again: readonly string[] = []): Promise<void> {
    const { lines, words, distinct, parts, input } = this.#index;
    const job = await this.#edgefold.completed(this.id);
    expect((await this.#edgefold.outputsOf(job)).map(String)).toEqual(parts);
    expect(job.progress).toEqual({
      maps: { total: maps, running: 0, completed: maps, failed: 0 },
      reduces: { total: nReducers, running: 0, completed: nReducers, failed: 0 },
    });
    expect(job.counters).toMatchObject({
      builtin: {
        mapInputRecords: lines,
        mapInputBytes: input.length,
        mapOutputRecords: words,
        reduceInputRecords: words,
        reduceInputGroups: distinct,
        outputRecords: distinct,
        outputBytes: parts.join("").length,
      },
      user: { stage: { begun: maps } },
    });
    expect(this.stage.runs).toEqual([...firstAttempts, ...again].sort());
    const last = firstAttempts.filter((first) => !again.includes(first.replace(/1$/, "2")));
    expect(await attemptsOf(this.#edgefold, this.id)).toEqual([...last, ...again].sort());
    await this.#expectNothingLeft();
  }

  async #expectNothingLeft(): Promise<void> {
    await untilNone("processes of an ended job", () => processesOf(this.id));
    await untilNone("directories of runners of an ended job", () => runnerDirectories(this.#edgefold, this.id));
    expect(await this.shuffleKeys()).toEqual([]);
    expect(existsSync(join(this.#edgefold.stateDir, "agent/shuffle", this.id))).toBe(false);
    expect(this.#proxy.openUploadsOf(this.id)).toEqual([]);
  }

  /** The keys of the job's shuffle, in the default bucket. */
  async shuffleKeys(): Promise<string[]> {
    return (await this.#edgefold.keysIn("reducers", ".edgefold/")).filter((key) => key.includes(this.id));
  }

  /** The keys of the job's output, in the default bucket. */
  async outputKeys(): Promise<string[]> {
    return (await this.#edgefold.keysIn("reducers", `${this.id}/`)).map((key) => key.slice(this.id.length + 1)).sort();
  }
}

/** The contents of a completed job's output folder. */
export const outputNames = ["_SUCCESS", "part-r-00000", "part-r-00001", "part-r-00002"];

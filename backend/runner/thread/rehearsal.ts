import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatAddress } from "../../../shared/address.ts";
import type { RunnerAnswer, RunnerJob, RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { Assignment, MapOutput, PlannedObject } from "../../../shared/protocol/tasks.ts";
import type { Unnumbered } from "../../link.ts";
import { removeFolder } from "../../folders.ts";
import type { RunnerConfig } from "../config.ts";
import { Progress } from "../progress.ts";
import { type RunnerCalls, runTask } from "../tasks/run.ts";
import type { Report } from "../tasks/task-run.ts";

/** A mapper and reducer that call everything that modules usually call. */
const source = `export const map = (line, emit) => line.split(" ").forEach((word) => emit(word, 1));
export const reduce = (word, counts, emit) => emit(word, counts.reduce((sum, count) => sum + Number(count), 0));
`;
const text = "all the world is a stage\nand all the men and women merely players\n";

const jobId = "rehearsal";

/**
 * Runs all tasks of a small job of nobody's, in a folder of its own. What the first task of a thread would have to load and to
 * compile takes longer than a small task.
 * @returns the reports of the tasks
 */
export const rehearse = async (
  config: RunnerConfig,
  calls: Pick<RunnerCalls, "sessions" | "pipes" | "ahead">,
): Promise<Report[]> => {
  const folder = await mkdtemp(join(config.WORK_DIR, "rehearsal-"));
  try {
    return await new Rehearsal(folder, config, calls).run();
  } finally {
    await removeFolder(folder);
  }
};

class Rehearsal {
  readonly #folder: string;
  readonly #config: RunnerConfig;
  readonly #calls: RunnerCalls;
  readonly #reports: Report[] = [];
  #planned: readonly PlannedObject[] = [];
  #mapOutput: MapOutput | undefined;

  constructor(folder: string, config: RunnerConfig, calls: Pick<RunnerCalls, "sessions" | "pipes" | "ahead">) {
    this.#folder = folder;
    this.#config = { ...config, FILE_ROOTS: [folder], SHUFFLE: join(folder, "shuffle") };
    this.#calls = {
      ...calls,
      ask: (request) => Promise.resolve(this.#answer(request)),
      content: () => Promise.resolve(this.#path("program.mjs")),
      progress: () => undefined,
    };
  }

  async run(): Promise<Report[]> {
    await writeFile(this.#path("program.mjs"), source);
    await writeFile(this.#path("input"), text);
    await this.#perform({ kind: "plan", ...attempt("p") });
    const input = this.#planned.map((object) => ({ ...object, start: 0, end: object.size }));
    await this.#perform({ kind: "map", ...attempt("m"), input });
    await this.#perform({ kind: "reduce", ...attempt("r") });
    const outputs = this.#reports.flatMap((report) =>
      report.kind === "complete" && report.result.kind === "output"
        ? [{ ...report.result.output, index: 0, attempt: report.attempt }]
        : [],
    );
    await this.#perform({ kind: "commit", ...attempt("c"), outputs });
    await this.#perform({ kind: "success", ...attempt("s") });
    return this.#reports;
  }

  async #perform(task: Assignment): Promise<void> {
    const { signal } = new AbortController();
    const context = { signal, progress: new Progress(), log: () => undefined };
    const report = await runTask(task, this.#job(), this.#config, context, this.#calls);
    if (report.kind === "complete" && report.result.kind === "map") this.#mapOutput = report.result.shuffle;
    this.#reports.push(report);
  }

  #job(): RunnerJob {
    const program = { name: "program.mjs", type: "module" as const, size: 0, hash: "" };
    return {
      jobId,
      input: { path: this.#address("input") },
      output: { path: this.#address("output") },
      useSSL: false,
      nReducers: 1,
      taskTimeoutSeconds: 0,
      programs: { mapper: program, reducer: program },
    };
  }

  #answer(request: Unnumbered<RunnerRequest>): RunnerAnswer {
    if (request.kind === "planned") this.#planned = request.objects;
    if (request.kind !== "segments") return { kind: "done", re: 0 };
    const { path = "", lengths: [length = 0] = [], largestBlock = 0 } = this.#mapOutput ?? {};
    const segment = { map: 0, attempt: attempt("m").attempt, path, offset: 0, length, largestBlock };
    return { kind: "segments", re: 0, segments: [segment], nextFrom: null };
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #address(name: string): string {
    return formatAddress({ scheme: "file", path: this.#path(name) });
  }
}

const attempt = (kind: string): { taskId: string; attempt: string; index: number } => {
  const taskId = `${jobId}-${kind}-0`;
  return { taskId, attempt: `${taskId}-1`, index: 0 };
};

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProgramType } from "../../../shared/api/artifacts.ts";
import type { RunnerJob } from "../../../shared/protocol/runner.ts";
import type { Assignment } from "../../../shared/protocol/tasks.ts";
import { readConfig } from "../../../backend/runner/config.ts";
import type { Report } from "../../../backend/runner/tasks/task-run.ts";
import { TaskThread, type ThreadCalls } from "../../../backend/runner/thread/task-thread.ts";
import { fileEtag } from "../../../backend/storage/file-read.ts";
import { mapperRef, runnerJob, threadCode } from "./runner-job.ts";

/** A task thread and map tasks for it, each over the same small file. Nothing else is involved. */
export class TaskScene {
  readonly thread: TaskThread;
  readonly #folder: string;
  readonly #calls: ThreadCalls;
  readonly #job: RunnerJob;
  #attempts = 0;

  /**
   * @param source of the mapper
   * @param env of the runner, in addition to what it needs
   * @param fields of the job, likewise
   */
  constructor(
    { type, source }: { readonly type: ProgramType; readonly source: string | Buffer },
    env: NodeJS.ProcessEnv = {},
    fields: Partial<RunnerJob> = {},
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
    const path = join(this.#folder, type === "module" ? "mapper.mjs" : "mapper");
    writeFileSync(path, source, { mode: 0o755 });
    writeFileSync(this.#input, "a line\n");
    const content = { size: source.length, hash: "" };
    const job = runnerJob(content);
    const programs = { mapper: { ...mapperRef(content), type } };
    this.#job = {
      ...job,
      ...fields,
      programs,
      input: { path: `file://${this.#input}` },
      output: { path: `file://${this.#folder}/out` },
    };
    this.#calls = {
      call: async (call) => {
        if (call.what === "content") return path;
        return { re: 0, kind: "done" };
      },
      progress: () => undefined,
    };
    this.thread = new TaskThread(
      readConfig({
        WORKER_URL: "http://127.0.0.1:1",
        RUNNER_ID: "r",
        WORK_DIR: join(this.#folder, "work"),
        PROCESS_LEDGER: join(this.#folder, "ledger"),
        FILE_ROOTS: this.#folder,
        STORAGE_LOOPBACK: "allow",
        SHUFFLE: join(this.#folder, "shuffle"),
        ...env,
      }),
      threadCode,
    );
  }

  get #input(): string {
    return join(this.#folder, "in.txt");
  }

  /** Plans the input at an address; the listed objects are discarded. */
  async plan(path: string, taskTimeoutSeconds: number): Promise<Report> {
    const task: Assignment = { kind: "plan", taskId: "plan", attempt: "j-p-0-0", index: 0 };
    const job = { ...this.#job, input: { path }, taskTimeoutSeconds };
    return this.thread.run(task, job, new AbortController().signal, this.#calls);
  }

  async map(signal = new AbortController().signal): Promise<Report> {
    const stats = statSync(this.#input, { bigint: true });
    const size = Number(stats.size);
    const index = this.#attempts++;
    const range = { path: `file://${this.#input}`, size, etag: fileEtag(stats), start: 0, end: size };
    const task: Assignment = { kind: "map", taskId: `t${index}`, attempt: `j-m-${index}-0`, index, input: [range] };
    return this.thread.run(task, this.#job, signal, this.#calls);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

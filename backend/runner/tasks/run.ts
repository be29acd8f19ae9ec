import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact } from "../../../shared/api/artifacts.ts";
import type { CountersSnapshot } from "../../../shared/counters.ts";
import { maxStatus } from "../../../shared/limits.ts";
import type { RunnerAnswer, RunnerJob, RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { Assignment, Result } from "../../../shared/protocol/tasks.ts";
import { cleanText } from "../../../shared/text.ts";
import type { Unnumbered } from "../../link.ts";
import { removeFolder } from "../../folders.ts";
import { ProcessLedger } from "../../process-ledger.ts";
import { pauseByClock, type Pause } from "../../retry.ts";
import { failureClass } from "../../storage/failure-class.ts";
import { openStore } from "../../storage/open.ts";
import type { S3Sessions } from "../../storage/s3-sessions.ts";
import { StorageError, type Store } from "../../storage/store.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { attemptError } from "../attempt-failure.ts";
import type { RunnerConfig } from "../config.ts";
import { Counters } from "../counters.ts";
import { secretVariables, taskEnvironment } from "../environment.ts";
import type { InputAhead } from "../input/input-ahead.ts";
import type { InputSource } from "../input/range-reader.ts";
import { rangeOpener } from "../input/task-input.ts";
import { MemoryKills } from "../memory-kills.ts";
import type { NamedPipes } from "../programs/named-pipes.ts";
import { placeCombiner, placeFiles, placeProgram } from "../working-directory.ts";
import { TaskTimeoutError } from "../task-timeout.ts";
import { credentialsOf } from "../storage-access.ts";
import { runClean } from "./clean.ts";
import { countedStore } from "./counted-store.ts";
import { runCommit, runSuccess } from "./commit.ts";
import { LocalShuffle } from "./local-shuffle.ts";
import { runMap } from "./map.ts";
import { runPlan } from "./plan.ts";
import { MapOutputLostError, runReduce } from "./reduce.ts";
import type { SegmentsAhead } from "./segments-ahead.ts";
import { StoreShuffle } from "./store-shuffle.ts";
import { AttemptEndedError, type Report, type TaskRun } from "./task-run.ts";

/** The subdirectory of the runner's directory that contains the attempts' directories. */
export const tasksFolder = "tasks";

/** When progress is first reported, and how often after that, in ms. Unchanged progress is not reported. */
const firstProgressMs = 1_000;
const progressMs = 10_000;

/** What a task needs of its runner. */
export type RunnerCalls = {
  /** The thread's sessions, which outlive the task. */
  readonly sessions: S3Sessions;
  /** The thread's pipes for programs. */
  readonly pipes: NamedPipes;
  /** What the thread has read ahead for its next map and its next reduces. */
  readonly ahead: { readonly input: InputAhead; readonly segments: SegmentsAhead };
  ask(request: Unnumbered<RunnerRequest>): Promise<RunnerAnswer>;
  /** Fetches the content of an artifact. @returns its path on this disk */
  content(artifact: Artifact): Promise<string>;
  progress(counters: CountersSnapshot, status: string): void;
};

/** Runs a task to its end. Never rejects. @returns the report for the job */
export const runTask = async (
  task: Assignment,
  job: RunnerJob,
  config: RunnerConfig,
  { signal, progress: getsOn, log }: Pick<AttemptContext, "signal" | "progress" | "log">,
  runner: RunnerCalls,
): Promise<Report> => {
  const { attempt } = task;
  if (task.kind !== "map") runner.ahead.input.discard();
  const memoryKills = new MemoryKills(config.CGROUP_DIR);
  const counters = new Counters();
  let status = "";
  let told = "";
  const tell = (): void => {
    const state = JSON.stringify([counters.snapshot(), status]);
    if (state !== told) runner.progress(counters.snapshot(), status);
    told = state;
  };
  const first = setTimeout(tell, firstProgressMs);
  const progress = setInterval(tell, progressMs);
  const setStatus = (text: string): void => {
    status = cleanText(text, maxStatus);
  };
  try {
    const tasks = join(config.WORK_DIR, tasksFolder);
    await mkdir(tasks, { recursive: true });
    const workDir = await mkdtemp(join(tasks, "task-"));
    const processes = new ProcessLedger(config.PROCESS_LEDGER);
    try {
      const context = {
        ...contextOf(task, job, config, workDir),
        processes,
        pipes: runner.pipes,
        signal,
        log,
        progress: getsOn,
        counters,
        status: setStatus,
      };
      const isOfPrograms = task.kind === "map" || task.kind === "reduce";
      const archives = isOfPrograms ? await placeFiles(job, context, runner) : [];
      const result = await dispatch(task, taskRun(task, job, config, { ...context, archives }, runner));
      signal.throwIfAborted();
      return { kind: "complete", attempt, result, counters: counters.snapshot(), status };
    } finally {
      await processes.sweep();
      await removeFolder(workDir);
    }
  } catch (error) {
    const isEnded = signal.aborted && !(error instanceof TaskTimeoutError);
    const report = failureReport(attempt, isEnded ? signal.reason : memoryKills.explain(error));
    return report.kind === "fail" ? { ...report, status, counters: counters.snapshot() } : report;
  } finally {
    clearTimeout(first);
    clearInterval(progress);
  }
};

/** The part of the runner's memory that a program in WebAssembly may have, unless its job says otherwise. */
const wasmPart = 1 / 4;

/** How long to pause a task that a store throttled, in seconds: at least `least`, plus up to `more`. */
const throttledSeconds = { least: 15, more: 30 };

/** Returns the report for an attempt that failed or was given up. */
export const failureReport = (attempt: string, error: unknown): Report => {
  if (error instanceof AttemptEndedError) return { kind: "release", attempt, reason: error.message };
  if (error instanceof MapOutputLostError) {
    const { map, mapAttempt, message } = error;
    return { kind: "shuffle-lost", attempt, map, mapAttempt, message };
  }
  if (error instanceof TaskTimeoutError) {
    return { kind: "fail", attempt, error: { code: "TaskTimeout", message: error.message, final: false } };
  }
  if (error instanceof StorageError && error.class === failureClass.throttled) {
    const pauseSeconds = throttledSeconds.least + Math.floor(Math.random() * throttledSeconds.more);
    return { kind: "release", attempt, reason: error.message, pauseSeconds };
  }
  return { kind: "fail", attempt, error: attemptError(error) };
};

const dispatch = (task: Assignment, run: TaskRun): Promise<Result> => {
  switch (task.kind) {
    case "plan":
      return runPlan(task, run);
    case "map":
      return runMap(task, run);
    case "reduce":
      return runReduce(task, run);
    case "commit":
      return runCommit(task, run);
    case "success":
      return runSuccess(run);
    case "clean":
      return runClean(task, run);
  }
};

/**
 * Returns the variables that come from Secrets. A plan reads them too, so that a job without access to them fails before it has
 * done anything. Tasks that need no variables must not fail because of them.
 */
const variablesOfSecrets = ({ kind }: Assignment, job: RunnerJob, config: RunnerConfig): Record<string, string> =>
  kind === "plan" || kind === "map" || kind === "reduce" ? secretVariables(job, config, process.env) : {};

const contextOf = (
  task: Assignment,
  job: RunnerJob,
  config: RunnerConfig,
  workDir: string,
): Omit<
  AttemptContext,
  "archives" | "processes" | "pipes" | "signal" | "progress" | "counters" | "status" | "log"
> => ({
  environment: { ...variablesOfSecrets(task, job, config), ...taskEnvironment(job, task) },
  workDir,
  sortBuffer: config.SORT_BUFFER,
  mergeFactor: config.MERGE_FACTOR,
  outputLimit: config.TASK_OUTPUT_LIMIT,
  recordLimit: config.RECORD_LIMIT,
  wasmMemory: job.wasmMemory ?? config.RUNNER_MEMORY * wasmPart,
});

const taskRun = (
  task: Assignment,
  job: RunnerJob,
  config: RunnerConfig,
  context: AttemptContext,
  runner: RunnerCalls,
): TaskRun => {
  const { signal, progress } = context;
  const [inputCredentials, outputCredentials] = [job.input, job.output].map((place) =>
    credentialsOf(place.credentials, config),
  );
  const [input, output] = runner.sessions.use([inputCredentials, outputCredentials]);
  const common = {
    s3Endpoint: job.s3Endpoint,
    fileRoots: config.FILE_ROOTS,
    pause: pauseWithProgress(progress),
    // Every other task follows a plan that has used both stores.
    areProven: task.kind !== "plan",
  };
  const ofInput = { credentials: inputCredentials, session: input, headers: job.input.headers };
  const ofOutput = { credentials: outputCredentials, session: output, headers: job.output.headers };
  const readsEncoded = job.input.compression === "none";
  const openInput = (ending: AbortSignal): Store =>
    countedStore(openStore({ ...ofInput, readsEncoded, ...common, signal: ending }), progress);
  const sourceOf = (ending: AbortSignal): InputSource => ({
    recordLimit: context.recordLimit,
    compression: job.input.compression,
    open: rangeOpener(openInput(ending), job.useSSL),
  });
  const run: Omit<TaskRun, "shuffle"> = {
    job,
    context,
    input: openInput(signal),
    readMapInput: (map) => runner.ahead.input.read(map, signal, sourceOf),
    output: countedStore(openStore({ ...ofOutput, ...common, signal }), progress),
    program: (role) => placeProgram(job, role, context, runner),
    combiner: () => placeCombiner(job, context, runner),
    ask: async (request, kind) => {
      const answer = await runner.ask(request);
      context.progress.tick();
      if (!hasKind(answer, kind)) throw new Error(`the Worker answered ${answer.kind} to ${request.kind}`);
      return answer;
    },
  };
  const { SHUFFLE } = config;
  return {
    ...run,
    shuffle: SHUFFLE === "store" ? new StoreShuffle(run, runner.ahead.segments) : new LocalShuffle(SHUFFLE, job.jobId),
  };
};

/** Interval between signs of life from an attempt that waits for a store, in ms. */
const waitingMs = 250;

/** Waits in real time. Waiting for a store counts as progress, because other limits apply to it. */
const pauseWithProgress =
  (progress: AttemptContext["progress"]): Pause =>
  async (ms, signal) => {
    const waiting = setInterval(() => progress.tick(), waitingMs);
    try {
      await pauseByClock(ms, signal);
    } finally {
      clearInterval(waiting);
    }
  };

const hasKind = <Kind extends RunnerAnswer["kind"]>(
  answer: RunnerAnswer,
  kind: Kind,
): answer is Extract<RunnerAnswer, { kind: Kind }> => answer.kind === kind;

import type { CountersSnapshot } from "../../../shared/counters.ts";
import { AttemptLog } from "../../../backend/runner/attempt-log.ts";
import type { Unnumbered } from "../../../backend/link.ts";
import type { RunnerJob, RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { Assignment, Result } from "../../../shared/protocol/tasks.ts";
import type { Report } from "../../../backend/runner/tasks/task-run.ts";
import type { ThreadCalls } from "../../../backend/runner/thread/task-thread.ts";

/** The counters of a map over one short line. */
const counters: CountersSnapshot = {
  builtin: { mapInputRecords: 1, mapInputBytes: 12, mapOutputRecords: 1, mapOutputBytes: 9, spilledBytes: 0 },
  user: {},
};

const emptyLog = new AttemptLog();

/**
 * Does nothing instead of running a task, and reports what a real one would: the only cost is the control plane's. If the job's
 * `splitSize` is 1, the last part of its input path is the input's size in bytes, and so the number of maps.
 */
export class NoopThread {
  /** Nobody writes to it, so one is enough for all. */
  readonly log = emptyLog;

  async run(task: Assignment, job: RunnerJob, _signal: AbortSignal, calls: ThreadCalls): Promise<Report> {
    const { attempt } = task;
    const ask = async (request: Unnumbered<RunnerRequest>) => calls.call({ what: "ask", request });
    switch (task.kind) {
      case "plan": {
        const { path } = job.input;
        const size = Number(path.slice(path.lastIndexOf("/") + 1));
        await ask({ kind: "planned", attempt, page: 0, objects: [{ path, size, etag: '"etag"' }] });
        break;
      }
      case "reduce":
        for (let from: number | null = 0; from !== null;) {
          const page = await ask({ kind: "segments", attempt, from, ahead: task.ahead, columns: true });
          from = typeof page === "object" && "nextFrom" in page ? page.nextFrom : null;
        }
        await ask({ kind: "upload", attempt, path: partOf(task, job), uploadId: attempt });
        break;
      case "clean":
        await ask({ kind: "uploads", attempt, after: 0 });
        break;
      case "map":
      case "commit":
      case "success":
    }
    return { kind: "complete", attempt, result: resultOf(task, job), counters };
  }
}

const partOf = ({ index }: Assignment, { output }: RunnerJob): string => `${output.path}/part-${index}`;

const resultOf = (task: Assignment, job: RunnerJob): Result => {
  const { kind, attempt } = task;
  switch (kind) {
    case "plan":
      return { kind };
    case "map": {
      const lengths = Array.from({ length: job.nReducers }, () => 9);
      return {
        kind,
        shuffle: {
          path: `${job.output.path}/shuffle/${attempt.slice(job.jobId.length + 1)}`,
          lengths,
          largestBlock: 9,
        },
      };
    }
    case "reduce":
      return { kind: "output", output: { path: partOf(task, job), uploadId: attempt, tags: ['"tag"'], size: 9 } };
    case "commit":
    case "success":
    case "clean":
      return { kind: "done", lost: [] };
  }
};

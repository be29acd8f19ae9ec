import type { Assignment, RunnerJob } from "../../shared/messages.ts";

/**
 * What a program is told of its task, under our names and under Hadoop's (`mapreduce.task.id` with dots as underscores, as
 * Hadoop Streaming exports the job's configuration). No credentials.
 */
export const taskEnvironment = (job: RunnerJob, task: Assignment): Record<string, string> => {
  const common = {
    EDGEFOLD_JOB_ID: job.jobId,
    EDGEFOLD_TASK_ID: task.taskId,
    EDGEFOLD_ATTEMPT_ID: task.attempt,
    EDGEFOLD_PARTITION: String(task.index),
    mapreduce_job_id: job.jobId,
    mapreduce_task_id: task.taskId,
    mapreduce_task_attempt_id: task.attempt,
    mapreduce_task_partition: String(task.index),
    mapreduce_task_ismap: String(task.kind === "map"),
    mapreduce_job_reduces: String(job.nReducers),
  };
  if (task.kind !== "map") return common;
  const [range, ...others] = task.input;
  // Of several objects no one is the input.
  if (range === undefined || others.length > 0) return common;
  const { path, start, end } = range;
  return {
    ...common,
    EDGEFOLD_INPUT_PATH: path,
    mapreduce_map_input_file: path,
    mapreduce_map_input_start: String(start),
    mapreduce_map_input_length: String(end - start),
  };
};

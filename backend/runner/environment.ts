import { formatAddress } from "../../shared/address.ts";
import type { RunnerJob } from "../../shared/protocol/runner.ts";
import type { Assignment } from "../../shared/protocol/tasks.ts";
import { outputFolder } from "../../shared/outputs.ts";
import { podVariable } from "../../shared/program-settings.ts";
import { configVariables, type RunnerConfig } from "./config.ts";
import { unavailable } from "./storage-access.ts";

/**
 * What a program is told: the variables of its job, and what its task is, under our names and under Hadoop's:
 * `mapreduce.task.id` with dots as underscores, as Hadoop Streaming exports the job's configuration, and the older name of
 * each. Where Hadoop's value would be a lie, such as a work folder whose files become output, there is none. No credentials.
 */
export const taskEnvironment = (job: RunnerJob, task: Assignment): Record<string, string> => {
  const output = readable(formatAddress(outputFolder(job.output.path, job.useSSL, job.jobId)));
  const common = {
    ...job.environment,
    EDGEFOLD_JOB_ID: job.jobId,
    EDGEFOLD_TASK_ID: task.taskId,
    EDGEFOLD_ATTEMPT_ID: task.attempt,
    EDGEFOLD_PARTITION: String(task.index),
    ...named(job.jobId, "mapreduce_job_id", "mapred_job_id"),
    ...named(task.taskId, "mapreduce_task_id", "mapred_tip_id"),
    // Hadoop's older `task.id` is the attempt's.
    ...named(task.attempt, "mapreduce_task_attempt_id", "mapred_task_id"),
    ...named(String(task.index), "mapreduce_task_partition", "mapred_task_partition"),
    ...named(String(task.kind === "map"), "mapreduce_task_ismap", "mapred_task_is_map"),
    ...named(String(job.nReducers), "mapreduce_job_reduces", "mapred_reduce_tasks"),
    ...named(readable(job.input.path), "mapreduce_input_fileinputformat_inputdir", "mapred_input_dir"),
    ...named(output, "mapreduce_output_fileoutputformat_outputdir", "mapred_output_dir"),
  };
  if (task.kind !== "map") return common;
  const [range, ...others] = task.input;
  // Of several objects no one is the input.
  if (range === undefined || others.length > 0) return common;
  const { start, end } = range;
  const path = readable(range.path);
  return {
    ...common,
    EDGEFOLD_INPUT_PATH: path,
    ...named(path, "mapreduce_map_input_file", "map_input_file"),
    ...named(String(start), "mapreduce_map_input_start", "map_input_start"),
    ...named(String(end - start), "mapreduce_map_input_length", "map_input_length"),
  };
};

/**
 * The job's variables that come from Secrets.
 * @param environment of the runner, in which a pod has their values
 * @throws StorageError `CredentialsUnavailable` where there is no such value here
 */
export const secretVariables = (
  { secretEnvironment = [] }: Pick<RunnerJob, "secretEnvironment">,
  { CREDENTIALS_DIR }: Pick<RunnerConfig, "CREDENTIALS_DIR">,
  environment: NodeJS.ProcessEnv,
): Record<string, string> =>
  Object.fromEntries(
    secretEnvironment.map((name) => {
      const value = environment[podVariable(name)];
      if (value !== undefined) return [name, value];
      const reason =
        CREDENTIALS_DIR === undefined
          ? "this cluster's runners are no pods. Use environment for what is no secret, or a cluster whose runners are pods"
          : "this cluster's agent is of an older release. Update it";
      throw unavailable(`the variable '${name}' of secretEnvironment cannot be had: ${reason}`);
    }),
  );

const named = (value: string, ...names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, value]));

/** An address with names as people write them; what is encoded and is no text, or holds a NUL, stays so. */
const readable = (address: string): string =>
  address
    .split("/")
    .map((part) => {
      try {
        const decoded = decodeURIComponent(part);
        return decoded.includes("\0") ? part : decoded;
      } catch {
        return part;
      }
    })
    .join("/");

/** The runner's own variables: its configuration, its identity for stores and clusters, its proxies, and what concerns its own process alone. */
const own = new RegExp(
  `^(${configVariables.join("|")}|(AWS|KUBERNETES|ECS|EDGEFOLD_SECRET)_.*|NODE_(OPTIONS|EXTRA_CA_CERTS)|(https?|no|all)_proxy|(OLD)?PWD|SHLVL|_)$`,
  "i",
);

/**
 * What programs get of the runner's environment: in a pod what its image sets, on one machine what the agent lets its runners
 * have; never the runner's own configuration and identities.
 */
export const inheritedVariables = (environment: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || own.test(name) ? [] : [[name, value] as const],
    ),
  );

import { formatAddress } from "../../shared/address.ts";
import type { RunnerJob } from "../../shared/protocol/runner.ts";
import type { Assignment } from "../../shared/protocol/tasks.ts";
import { outputFolder } from "../../shared/outputs.ts";
import { podVariable } from "../../shared/program-settings.ts";
import { configVariables, type RunnerConfig } from "./config.ts";
import { unavailable } from "./storage-access.ts";

/**
 * Returns the environment of a program: the variables of its job, and a description of its task under our names and Hadoop's.
 * Hadoop's names are those that Hadoop Streaming exports, with dots as underscores (`mapreduce_task_id`), plus the older name of
 * each. Variables whose Hadoop meaning does not apply here are omitted, such as a work folder whose files become output.
 * Contains no credentials.
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
    // Hadoop's older `task.id` is the id of the attempt.
    ...named(task.attempt, "mapreduce_task_attempt_id", "mapred_task_id"),
    ...named(String(task.index), "mapreduce_task_partition", "mapred_task_partition"),
    ...named(String(task.kind === "map"), "mapreduce_task_ismap", "mapred_task_is_map"),
    ...named(String(job.nReducers), "mapreduce_job_reduces", "mapred_reduce_tasks"),
    ...named(readable(job.input.path), "mapreduce_input_fileinputformat_inputdir", "mapred_input_dir"),
    ...named(output, "mapreduce_output_fileoutputformat_outputdir", "mapred_output_dir"),
  };
  if (task.kind !== "map") return common;
  const [range, ...others] = task.input;
  // With several objects, no single one is the input.
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
 * Returns the job's variables that come from Secrets.
 * @param environment the runner's environment, which contains the values in a pod
 * @throws StorageError `CredentialsUnavailable` if a value is missing
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

/** Decodes the percent-encoding of an address. Parts that do not decode to text, or contain a NUL, stay encoded. */
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

/**
 * The runner's own variables: its configuration, its identities for stores and clusters, its proxies, and variables that concern
 * only its own process.
 */
const own = new RegExp(
  `^(${configVariables.join("|")}|(AWS|KUBERNETES|ECS|EDGEFOLD_SECRET)_.*|NODE_(OPTIONS|EXTRA_CA_CERTS)|(https?|no|all)_proxy|(OLD)?PWD|SHLVL|_)$`,
  "i",
);

/**
 * Returns the variables that programs inherit from the runner: in a pod those that the image sets, on one machine those that the
 * agent passes to its runners. Never the runner's own configuration and identities.
 */
export const inheritedVariables = (environment: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || own.test(name) ? [] : [[name, value] as const],
    ),
  );

import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { z } from "zod";
import { JobOrderSchema, type JobOrder } from "../job-order.ts";
import { EndpointListSchema } from "../storage/endpoint-list.ts";

const MiB = 1024 * 1024;
const BytesSchema = z.coerce.number("must be a number of bytes, such as 536870912").int().positive();

/** What a runner needs besides sorting and large records: Node with its two threads, parts being uploaded, read-ahead. */
const baseMemory = 192 * MiB;
const leastMemory = 256 * MiB;

/**
 * The longest record that the runner supports. The engine's strings are limited to about as many characters, and the
 * kernel, whose addresses have 32 bits, holds some copies of a record.
 */
const longestRecord = 512 * MiB;

/** The largest sort buffer. The kernel's addresses have 32 bits, and long records need room besides. */
const largestSortBuffer = 1024 * MiB;

/** Maximum number of files that a merge may hold open. Nearly every system allows a process this many. */
const mostMerged = 4096;

/** The environment that a runner is started with, possibly before it knows its job. Sizes are in bytes. */
const VariablesSchema = z.object({
  WORKER_URL: z.url(),
  /** The runner's name. The REST API also shows it as the pod's name. */
  RUNNER_ID: z.string().min(1),
  /** A directory for this runner alone. Whoever starts the runner removes it afterwards. */
  WORK_DIR: z.string().min(1),
  /** Where the runner records the live process groups of programs. */
  PROCESS_LEDGER: z.string().min(1),
  /**
   * `pipe`: standard input stays open as long as the parent lives. The first line says which job the runner works for; the only
   * later command is `drain`. `none`: the environment names the job.
   */
  PARENT: z.enum(["pipe", "none"]).default("none"),
  /** A file that exists while a task is running. None by default. */
  BUSY_FILE: z.string().startsWith("/").optional(),
  /**
   * The directory with the files of the memory cgroup. The cgroup must contain only this runner and its programs, like a
   * container's. None by default.
   */
  CGROUP_DIR: z.string().startsWith("/").optional(),
  /** Where to find the Secrets that storage credentials refer to: a folder per Secret, a file per key. None by default. */
  CREDENTIALS_DIR: z.string().startsWith("/").optional(),
  /** Directories that `file:` addresses may point into, separated as in PATH. None by default. */
  FILE_ROOTS: z
    .string()
    .default("")
    .transform((text) => text.split(delimiter).filter((root) => root !== "")),
  /** Storage endpoints that a job may use: `host[:port]` or `*.domain[:port]`, separated by commas. Any by default. */
  STORAGE_ENDPOINTS: EndpointListSchema.optional(),
  /**
   * Whether a store may have a loopback address; in a pod, no store has one. By default allowed only if STORAGE_ENDPOINTS names
   * the host.
   */
  STORAGE_LOOPBACK: z.enum(["allow", "refuse"]).default("refuse"),
  /** Where to keep map outputs: `store`, next to the job's output, or the path of a directory that all its runners share. */
  SHUFFLE: z.union([z.literal("store"), z.string().startsWith("/")]).default("store"),
  /** The memory limit of the runner itself, without its programs. */
  RUNNER_MEMORY: BytesSchema.min(leastMemory).default(512 * MiB),
  /** By default half of the memory that is not needed for anything else. */
  SORT_BUFFER: BytesSchema.max(largestSortBuffer, `must be at most ${largestSortBuffer} (1 GiB)`).optional(),
  MERGE_FACTOR: z.coerce
    .number("must be a number of files")
    .int()
    .min(2)
    .max(mostMerged, `must be at most ${mostMerged}: a merge holds so many files open`)
    .default(128),
  TASK_OUTPUT_LIMIT: BytesSchema.default(16 * 1024 * MiB),
  /** By default 1/32 of the memory, because up to a dozen copies of a record that large can exist at a time. */
  RECORD_LIMIT: BytesSchema.max(
    longestRecord,
    `must be at most ${longestRecord} (512 MiB): longer records must be cut into several, such as lines`,
  ).optional(),
});
const ConfigSchema = VariablesSchema.transform((config) => ({
  ...config,
  SORT_BUFFER: config.SORT_BUFFER ?? Math.min(largestSortBuffer, Math.floor((config.RUNNER_MEMORY - baseMemory) / 2)),
  RECORD_LIMIT: config.RECORD_LIMIT ?? Math.min(longestRecord, Math.floor(config.RUNNER_MEMORY / 32)),
})).refine(({ SORT_BUFFER, RUNNER_MEMORY }) => SORT_BUFFER <= RUNNER_MEMORY - baseMemory, {
  path: ["SORT_BUFFER"],
  message: `must be at most RUNNER_MEMORY less ${baseMemory} (192 MiB); raise RUNNER_MEMORY, or leave SORT_BUFFER out`,
});
export type RunnerConfig = z.infer<typeof ConfigSchema>;

/** @throws Error that names each missing or invalid variable */
export const readConfig = (environment: NodeJS.ProcessEnv): RunnerConfig => parsed(ConfigSchema, environment);

/** The variables of a runner whose parent sends no job order: the job, and a file with the token. */
const JobVariablesSchema = z.object({ JOB_ID: JobOrderSchema.shape.jobId, RUNNER_TOKEN_FILE: z.string().min(1) });

/** The names of all variables that configure a runner. */
export const configVariables: readonly string[] = [VariablesSchema, JobVariablesSchema].flatMap(({ shape }) =>
  Object.keys(shape),
);

/**
 * Reads the job from the environment, for a runner in a pod. The token comes from a file, because everything the pod starts
 * would inherit a variable.
 *
 * @throws Error that names each missing or invalid variable, or if the file cannot be read
 */
export const readJobOrder = (environment: NodeJS.ProcessEnv): JobOrder => {
  const { JOB_ID: jobId, RUNNER_TOKEN_FILE } = parsed(JobVariablesSchema, environment);
  return { jobId, token: readFileSync(RUNNER_TOKEN_FILE, "utf8").trim() };
};

const parsed = <T>(schema: z.ZodType<T>, environment: NodeJS.ProcessEnv): T => {
  const result = schema.safeParse(environment);
  if (result.success) return result.data;
  throw new Error(result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n"));
};

import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { z } from "zod";
import { JobOrderSchema, type JobOrder } from "../job-order.ts";
import { EndpointListSchema } from "../storage/endpoint-list.ts";

const MiB = 1024 * 1024;
const BytesSchema = z.coerce.number("must be a number of bytes, such as 536870912").int().positive();

/** What a runner takes besides sorting and large records: Node with its two threads, parts under way, read-ahead. */
const baseMemory = 192 * MiB;
const leastMemory = 256 * MiB;

/**
 * The longest record that can be handled: the engine's strings end at about as many characters, and arenas, which hold a record
 * of any length, have offsets of 31 bits.
 */
const longestRecord = 512 * MiB;

/** Most files that a merge may hold open: as many as a process can have nearly everywhere. */
const mostMerged = 4096;

/** The environment that a runner is started with, before it may know its job. Sizes are bytes. */
const VariablesSchema = z.object({
  WORKER_URL: z.url(),
  /** Names the runner, also where the REST API shows a pod. */
  RUNNER_ID: z.string().min(1),
  /** A directory of the runner's own; whoever starts the runner removes it afterwards. */
  WORK_DIR: z.string().min(1),
  /** Where the process groups of programs are recorded while they live. */
  PROCESS_LEDGER: z.string().min(1),
  /**
   * `pipe`: standard input stays open as long as the parent lives. Its first line says which job the runner works for; after
   * that it takes the order `drain`. `none`: the environment names the job.
   */
  PARENT: z.enum(["pipe", "none"]).default("none"),
  /** A file that is there while a task is at work. None by default. */
  BUSY_FILE: z.string().startsWith("/").optional(),
  /**
   * Where the files of the memory cgroup are, which must be that of this runner and its programs alone, as a container's is.
   * None by default.
   */
  CGROUP_DIR: z.string().startsWith("/").optional(),
  /** Where the Secrets lie that a job's storage credentials refer to: a folder a Secret, a file a key. None by default. */
  CREDENTIALS_DIR: z.string().startsWith("/").optional(),
  /** Directories that `file:` addresses may lie in, separated as in PATH. None by default. */
  FILE_ROOTS: z
    .string()
    .default("")
    .transform((text) => text.split(delimiter).filter((root) => root !== "")),
  /** Storage endpoints that a job may name: `host[:port]` or `*.domain[:port]`, with commas between. Any by default. */
  STORAGE_ENDPOINTS: EndpointListSchema.optional(),
  /** Whether a store may be at a loopback address, which in a pod is no store's. By default only where STORAGE_ENDPOINTS names its host. */
  STORAGE_LOOPBACK: z.enum(["allow", "refuse"]).default("refuse"),
  /** Where map outputs lie: `store`, beside the job's output, or the path of a directory that all runners of the job see. */
  SHUFFLE: z.union([z.literal("store"), z.string().startsWith("/")]).default("store"),
  /** The memory that the runner itself is to stay below, its programs not counted. */
  RUNNER_MEMORY: BytesSchema.min(leastMemory).default(512 * MiB),
  /** By default half of the memory that is not needed otherwise. */
  SORT_BUFFER: BytesSchema.optional(),
  MERGE_FACTOR: z.coerce
    .number("must be a number of files")
    .int()
    .min(2)
    .max(mostMerged, `must be at most ${mostMerged}: a merge holds so many files open`)
    .default(128),
  TASK_OUTPUT_LIMIT: BytesSchema.default(16 * 1024 * MiB),
  /** By default a 32nd of the memory: where a record is nearly as large, up to a dozen copies of such exist at a time. */
  RECORD_LIMIT: BytesSchema.max(
    longestRecord,
    `must be at most ${longestRecord} (512 MiB): longer records must be cut into several, such as lines`,
  ).optional(),
});
const ConfigSchema = VariablesSchema.transform((config) => ({
  ...config,
  SORT_BUFFER: config.SORT_BUFFER ?? Math.floor((config.RUNNER_MEMORY - baseMemory) / 2),
  RECORD_LIMIT: config.RECORD_LIMIT ?? Math.min(longestRecord, Math.floor(config.RUNNER_MEMORY / 32)),
})).refine(({ SORT_BUFFER, RUNNER_MEMORY }) => SORT_BUFFER <= RUNNER_MEMORY - baseMemory, {
  path: ["SORT_BUFFER"],
  message: `must be at most RUNNER_MEMORY less ${baseMemory} (192 MiB); raise RUNNER_MEMORY, or leave SORT_BUFFER out`,
});
export type RunnerConfig = z.infer<typeof ConfigSchema>;

/** @throws Error naming each variable that is missing or wrong */
export const readConfig = (environment: NodeJS.ProcessEnv): RunnerConfig => parsed(ConfigSchema, environment);

/** The variables of a runner whose parent gives it no order: the job, and a file with the token. */
const JobVariablesSchema = z.object({ JOB_ID: JobOrderSchema.shape.jobId, RUNNER_TOKEN_FILE: z.string().min(1) });

/** The names of all variables that a runner is configured by. */
export const configVariables: readonly string[] = [VariablesSchema, JobVariablesSchema].flatMap(({ shape }) =>
  Object.keys(shape),
);

/**
 * Which job the environment names, for a runner in a pod. The token comes as a file, as a variable would be handed on to
 * whatever the pod starts.
 *
 * @throws Error naming each variable that is missing or wrong, or where the file cannot be read
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

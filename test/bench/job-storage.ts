import { join } from "node:path";
import type { Job } from "../../shared/api/jobs.ts";
import type { Edgefold } from "../helpers/edgefold.ts";
import type { InputOnDisk } from "./inputs.ts";
import type { Requests } from "./remote-store/messages.ts";

/** What a job leaves behind. */
type Collected = {
  /** The folder that contains the output, in files `part-…`. */
  readonly output: string;
  /** Requests to a store, of the job and its cleanup. */
  readonly requests?: Requests;
};

/** Where the jobs of a case read and write. */
export type JobStorage = {
  /** Variables of the Edgefold. */
  readonly env: Readonly<Record<string, string>>;
  /** Directories that `file:` addresses may point into. */
  readonly fileRoots: readonly string[];
  /** The address of an input. */
  readonly addressOf: (input: InputOnDisk) => string;
  /** The fields of a job's request that say where its output goes, and with which credentials. */
  readonly fieldsFor: (edgefold: Edgefold) => Readonly<Record<string, unknown>>;
  /** Called before each job. */
  readonly prepare: () => Promise<void>;
  /** Called after each job and its cleanup. */
  readonly collect: (edgefold: Edgefold, job: Job) => Promise<Collected>;
  readonly stop: () => Promise<void>;
};

/** The files of this machine. @param inputs the folder that contains the inputs */
export const fileStorage = (inputs: string): JobStorage => ({
  env: {},
  fileRoots: [inputs],
  addressOf: ({ path }) => `file://${path}`,
  fieldsFor: ({ files }) => ({
    outputPath: `file://${files}`,
    inputStorageCredentials: undefined,
    outputStorageCredentials: undefined,
  }),
  prepare: async () => undefined,
  collect: async ({ files }, { id }) => ({ output: join(files, id) }),
  stop: async () => undefined,
});

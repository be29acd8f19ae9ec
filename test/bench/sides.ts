import type { BenchCase } from "./cases.ts";
import { runCommand } from "./command-runs.ts";
import { type InputOnDisk, inputOnDisk, warm } from "./inputs.ts";
import type { JobStorage } from "./job-storage.ts";
import type { JobRuns } from "./job-runs.ts";
import { runKernel } from "./kernel-runs.ts";
import type { Measured } from "./measured.ts";
import type { Peer } from "./peers.ts";

/** Where a bench keeps its files. */
export type Folders = {
  /** For inputs, which are kept. */
  readonly inputs: string;
  /** For everything else; removed at the end. Lies inside the inputs folder. */
  readonly scratch: string;
};

/** The subject of a case, or one of its peers. */
export type Side = {
  /** A peer's name, or `job` or `kernel`. */
  readonly name: string;
  readonly run: () => Promise<Measured>;
};

type Context = Folders & {
  /** Of the inputs, in bytes. */
  readonly size: number;
  readonly storage: JobStorage;
  /** Starts an Edgefold at the first call. */
  readonly jobs: () => Promise<JobRuns>;
};

export const subjectOf = ({ subject }: BenchCase, input: InputOnDisk, { scratch, jobs }: Context): Side => ({
  name: subject.kind,
  run: async () => (subject.kind === "job" ? (await jobs()).run(subject.job, input) : runKernel(input, scratch)),
});

/** @param input the subject's */
export const sideOf = async (peer: Peer, input: InputOnDisk, context: Context): Promise<Side> => {
  const { name } = peer;
  const { scratch, storage } = context;
  if (peer.kind === "command") {
    const given = { path: input.path, address: storage.addressOf(input) };
    return { name, run: () => runCommand(peer, given, scratch) };
  }
  const other = peer.input === undefined ? input : await inputOnDisk(context.inputs, peer.input, context.size);
  await warm(other);
  return { name, run: async () => (await context.jobs()).run(peer.job, other) };
};

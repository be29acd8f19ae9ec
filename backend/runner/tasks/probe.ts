import { formatAddress, joinAddress, type Address } from "../../../shared/address.ts";
import { outputFolder, usesDefaultBucket } from "../../../shared/outputs.ts";
import { inParallel } from "../../parallel.ts";
import { StorageError, type Store } from "../../storage/store.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** The object written to test write access. It is hidden from jobs that read the output. */
const probeName = ".probe";

/** The parts of a task's run that probing its output needs. */
export type ProbingRun = Pick<TaskRun, "job" | "output" | "ask"> & {
  readonly shuffle: Pick<TaskRun["shuffle"], "folder">;
};

/**
 * Tries every operation that the job will need on its output's store, so that a missing permission fails the job before anything
 * is computed. Repeatable, and leaves nothing behind. Takes 7 requests, plus 5 if the shuffle lies in the store, at most 5 at a
 * time.
 *
 * @throws StorageError that names the missing permission
 */
export const probeOutput = async (task: Task<"plan">, run: ProbingRun): Promise<void> => {
  const { output, useSSL, jobId } = run.job;
  const folder = outputFolder(output.path, useSSL, jobId);
  const { folder: shuffle } = run.shuffle;
  if (usesDefaultBucket(output.path, useSSL)) await run.output.ensureBucket(folder);
  const probes = [
    () => probeUpload(joinAddress(folder, "_SUCCESS"), task.attempt, run),
    () => probeFolder(run.output, folder),
    ...(shuffle === undefined ? [] : [() => probeFolder(run.output, shuffle)]),
  ];
  await inParallel(probes, (probe) => probe());
};

/** Starts and aborts an upload. Reports it to the job in case it cannot be aborted. */
const probeUpload = async (at: Address, attempt: string, { output, ask }: ProbingRun): Promise<void> => {
  const uploadId = await needing("s3:PutObject", () => output.createUpload(at, attempt));
  try {
    await ask({ kind: "upload", attempt, path: formatAddress(at), uploadId }, "done");
  } finally {
    await needing("s3:AbortMultipartUpload", () => output.abortUpload(at, uploadId));
  }
};

/** Lists a folder, then writes, reads and removes an object in it, provided that removing is allowed. */
const probeFolder = async (store: Store, folder: Address): Promise<void> => {
  const at = joinAddress(folder, probeName);
  const remove = (): Promise<void> => needing("s3:DeleteObject", () => store.remove([at]));
  const list = (): Promise<void> =>
    needing("s3:ListBucket", async () => {
      for await (const _ of store.list(folder)) break;
    });
  await inParallel([list, remove], (act) => act());
  try {
    await needing("s3:PutObject", () => store.put(at, Buffer.from("x")));
    await needing("s3:GetObject", async () => (await store.read(at)).destroy());
  } finally {
    await remove();
  }
};

/** Adds to an access-denied error the permission that `work` needs, by its AWS name. */
const needing = async <T>(permission: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof StorageError) || cause.code !== "AccessDenied") throw cause;
    const message = `${cause.message}; the credentials of a job's output must allow ${permission} there`;
    throw new StorageError(cause.code, message, { status: cause.status, cause });
  }
};

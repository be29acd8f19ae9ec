import { formatAddress, type Address } from "../../../shared/address.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { ObjectWriter } from "../../storage/upload.ts";
import type { Sink } from "../sink.ts";
import type { TaskRun } from "./task-run.ts";

/** The parts of a task's run that uploading needs. */
type UploadingRun = Pick<TaskRun, "output" | "ask">;

/** Opens a writer that reports its upload to the job before sending the first part. */
const openWriter = (attempt: string, at: Address, run: UploadingRun, isEarly: boolean): ObjectWriter =>
  new ObjectWriter(run.output, at, {
    attempt,
    isEarly,
    onCreated: async (uploadId) => {
      await run.ask({ kind: "upload", attempt, path: formatAddress(at), uploadId }, "done");
    },
  });

const abortingOnFailure = async <T>(writer: ObjectWriter, write: () => Promise<T>): Promise<T> => {
  try {
    return await write();
  } catch (error) {
    // Report the first failure only. The job knows the upload and aborts it during cleanup at the latest.
    await writer.abort().catch(() => undefined);
    throw error;
  }
};

/** Writes a part of the job's output as an upload that the job completes on commit. An empty part is written only then. */
export const writeOutput = async (
  attempt: string,
  at: Address,
  run: UploadingRun,
  produce: (sink: Sink) => Promise<void>,
): Promise<Result> => {
  const writer = openWriter(attempt, at, run, true);
  return abortingOnFailure(writer, async () => {
    await produce(writer);
    const { uploadId, tags, size } = (await writer.finish()) ?? { uploadId: "", tags: [], size: 0 };
    return { kind: "output", output: { path: formatAddress(at), uploadId, tags: [...tags], size } };
  });
};

/** Writes an object that is visible at once. @returns what `produce` returns */
export const writeObjectFrom = async <T>(
  attempt: string,
  at: Address,
  run: UploadingRun,
  produce: (sink: Sink) => Promise<T>,
): Promise<T> => {
  const writer = openWriter(attempt, at, run, false);
  return abortingOnFailure(writer, async () => {
    const produced = await produce(writer);
    await writer.finishObject();
    return produced;
  });
};

import { formatAddress, type Address } from "../../../shared/address.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { MultipartWriter } from "../../storage/upload.ts";
import type { Sink } from "../sink.ts";
import type { TaskRun } from "./task-run.ts";

/** What of a task's run it takes to upload. */
type UploadingRun = Pick<TaskRun, "output" | "ask">;

/** Writers that tell the job of each upload before its first part is sent. */
const openWriter = (attempt: string, at: Address, run: UploadingRun): MultipartWriter =>
  new MultipartWriter(run.output, at, {
    attempt,
    onCreated: async (uploadId) => {
      await run.ask({ kind: "upload", attempt, path: formatAddress(at), uploadId }, "done");
    },
  });

const abortingOnFailure = async <T>(writer: MultipartWriter, write: () => Promise<T>): Promise<T> => {
  try {
    return await write();
  } catch (error) {
    // The first failure is the one to tell. The job knows the upload, and has it aborted by its cleaning at the latest.
    await writer.abort().catch(() => undefined);
    throw error;
  }
};

/** Writes a part of the job's output as an upload that the job completes when it commits; an empty part is written only then. */
export const writeOutput = async (
  attempt: string,
  at: Address,
  run: UploadingRun,
  produce: (sink: Sink) => Promise<void>,
): Promise<Result> => {
  const writer = openWriter(attempt, at, run);
  return abortingOnFailure(writer, async () => {
    await produce(writer);
    const { uploadId, tags, size } = (await writer.finish()) ?? { uploadId: "", tags: [], size: 0 };
    return { kind: "output", output: { path: formatAddress(at), uploadId, tags: [...tags], size } };
  });
};

/** Writes an object that is there at once, and hands on what its producer returns. */
export const writeObjectFrom = async <T>(
  attempt: string,
  at: Address,
  run: UploadingRun,
  produce: (sink: Sink) => Promise<T>,
): Promise<T> => {
  const writer = openWriter(attempt, at, run);
  return abortingOnFailure(writer, async () => {
    const produced = await produce(writer);
    await writer.finishObject();
    return produced;
  });
};

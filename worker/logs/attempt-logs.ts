import type { Attempt } from "../../shared/api/attempts.ts";

/** The logs of attempts in R2, compressed, below their job. */

/** Most bytes of a compressed log: those of one that cannot be compressed, and some. */
export const maxLogBytes = 2 * 1024 * 1024;

const folderOf = (jobId: string): string => `logs/${jobId}/`;
const keyOf = (jobId: string, attempt: string): string => `${folderOf(jobId)}${attempt}.gz`;

/** A log as text, and how many bytes it has with what is left out of it. */
export type StoredLog = { readonly text: Uint8Array; readonly length: number };

/** @param length bytes of the whole log, also of what is left out */
export const storeLog = async (
  bucket: R2Bucket,
  jobId: string,
  attempt: string,
  compressed: Uint8Array,
  length: number,
): Promise<void> => {
  await bucket.put(keyOf(jobId, attempt), compressed, { customMetadata: { length: String(length) } });
};

export const removeLog = async (bucket: R2Bucket, jobId: string, attempt: string): Promise<void> => {
  await bucket.delete(keyOf(jobId, attempt));
};

/** An empty one where none is kept. */
const readLog = async (bucket: R2Bucket, jobId: string, attempt: string): Promise<StoredLog> => {
  const object = await bucket.get(keyOf(jobId, attempt));
  if (object === null) return { text: new Uint8Array(), length: 0 };
  const content = object.body.pipeThrough(new DecompressionStream("gzip"));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of content) {
    parts.push(new Uint8Array(chunk));
    length += chunk.length;
    // More than a runner keeps of a log: no runner of ours has made it.
    if (length > maxLogBytes) break;
  }
  return { text: await new Blob(parts).bytes(), length: Number(object.customMetadata?.["length"] ?? length) };
};

/** How soon after its attempt's end a log is stored at the latest, as far as anybody waits for it, in ms. */
const patience = 20_000;

/** How often a log that is on its way is looked for, in ms. */
const pause = 500;

/** What is to be read of the log of an attempt. */
export type LoggedAttempt = { readonly id: string } & Pick<Attempt, "logBytes" | "endTime">;

/**
 * The log of an attempt, which its runner stores while the job goes on. For a short time after the attempt's end it is waited for,
 * so that whoever reads it then has all of it.
 */
export const readWholeLog = async (
  bucket: R2Bucket,
  jobId: string,
  { id, logBytes, endTime }: LoggedAttempt,
): Promise<StoredLog> => {
  for (;;) {
    const stored = await readLog(bucket, jobId, id);
    if (endTime === null || stored.length >= (logBytes ?? 0) || Date.now() > endTime + patience) return stored;
    await scheduler.wait(pause);
  }
};

/** Removes all logs of a job. */
export const removeLogs = async (bucket: R2Bucket, jobId: string): Promise<void> => {
  for (let cursor: string | undefined, isWhole = false; !isWhole;) {
    const page = await bucket.list({ prefix: folderOf(jobId), cursor });
    if (page.objects.length > 0) await bucket.delete(page.objects.map(({ key }) => key));
    isWhole = !page.truncated;
    cursor = page.truncated ? page.cursor : undefined;
  }
};

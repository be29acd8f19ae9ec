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
export const readLog = async (bucket: R2Bucket, jobId: string, attempt: string): Promise<StoredLog> => {
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

/** Removes all logs of a job. */
export const removeLogs = async (bucket: R2Bucket, jobId: string): Promise<void> => {
  for (let cursor: string | undefined, isWhole = false; !isWhole;) {
    const page = await bucket.list({ prefix: folderOf(jobId), cursor });
    if (page.objects.length > 0) await bucket.delete(page.objects.map(({ key }) => key));
    isWhole = !page.truncated;
    cursor = page.truncated ? page.cursor : undefined;
  }
};

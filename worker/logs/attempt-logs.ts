/** The logs of attempts in R2, compressed, below their job. */

/** Most bytes of a compressed log: those of one that cannot be compressed, and some. */
export const maxLogBytes = 2 * 1024 * 1024;

const folderOf = (jobId: string): string => `logs/${jobId}/`;
const keyOf = (jobId: string, attempt: string): string => `${folderOf(jobId)}${attempt}.gz`;

export const storeLog = async (
  bucket: R2Bucket,
  jobId: string,
  attempt: string,
  compressed: Uint8Array,
): Promise<void> => {
  await bucket.put(keyOf(jobId, attempt), compressed);
};

export const removeLog = async (bucket: R2Bucket, jobId: string, attempt: string): Promise<void> => {
  await bucket.delete(keyOf(jobId, attempt));
};

/** A log as text; null where none is kept. */
export const readLog = async (bucket: R2Bucket, jobId: string, attempt: string): Promise<Uint8Array | null> => {
  const object = await bucket.get(keyOf(jobId, attempt));
  if (object === null) return null;
  const text = object.body.pipeThrough(new DecompressionStream("gzip"));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of text) {
    parts.push(new Uint8Array(chunk));
    length += chunk.length;
    // More than a runner keeps of a log: no runner of ours has made it.
    if (length > maxLogBytes) break;
  }
  return await new Blob(parts).bytes();
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

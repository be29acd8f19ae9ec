import type { S3Address } from "../../shared/address.ts";
import { S3Error } from "./s3-failure.ts";
import { isTransient } from "./failure-class.ts";
import { attemptHeader, headS3 } from "./s3-head.ts";
import type { S3Client } from "./s3-request.ts";
import { completionBody, parseCompletion, parseUploadId, parseUploadsPage } from "./s3-xml.ts";
import { parseTag } from "./s3-write.ts";
import type { UploadOutcome } from "./store.ts";

const isNoSuchUpload = (error: unknown): boolean => error instanceof S3Error && error.code === "NoSuchUpload";

/**
 * Begins an upload. If the answer is lost and the request repeated, the store keeps an orphaned upload until
 * `abortS3Uploads`.
 */
export const createS3Upload = (client: S3Client, at: S3Address, attempt: string): Promise<string> =>
  client.parsed(
    {
      operation: "CreateMultipartUpload",
      method: "POST",
      at,
      query: { uploads: "" },
      headers: { [attemptHeader]: attempt },
    },
    parseUploadId,
  );

/** Completes an upload. Idempotent: detects whether an earlier completion, whose answer was lost, had succeeded. */
export const completeS3Upload = async (
  client: S3Client,
  at: S3Address,
  uploadId: string,
  tags: readonly string[],
  attempt: string,
): Promise<UploadOutcome> => {
  const body = Buffer.from(completionBody(tags.map(parseTag)));
  try {
    await client.parsed(
      { operation: "CompleteMultipartUpload", method: "POST", at, query: { uploadId }, body },
      parseCompletion,
    );
    return "completed";
  } catch (error) {
    if (!isNoSuchUpload(error)) throw error;
    const found = await headS3(client, at);
    return found?.attempt === attempt ? "completed" : "lost";
  }
};

/** Ends an upload without creating an object. */
export const abortS3Upload = async (client: S3Client, at: S3Address, uploadId: string): Promise<void> => {
  try {
    await client.headers({ operation: "AbortMultipartUpload", method: "DELETE", at, query: { uploadId } });
  } catch (error) {
    if (!isNoSuchUpload(error)) throw error;
  }
};

/**
 * Aborts all uploads that the store lists whose keys begin with that of `prefix`. A store that cannot list them, or does not
 * allow this client to, must expire them by its own rules.
 */
export const abortS3Uploads = async (client: S3Client, prefix: S3Address): Promise<void> => {
  for await (const { key, uploadId } of listS3Uploads(client, prefix)) {
    await abortS3Upload(client, { ...prefix, key }, uploadId);
  }
};

const listS3Uploads = async function* (
  client: S3Client,
  prefix: S3Address,
): AsyncGenerator<{ readonly key: string; readonly uploadId: string }> {
  const query = { uploads: "", "encoding-type": "url", prefix: prefix.key };
  const bucket = { ...prefix, key: "" };
  let resume: Readonly<Record<string, string>> | undefined = {};
  do {
    let page: ReturnType<typeof parseUploadsPage>;
    try {
      page = await client.parsed(
        { operation: "ListMultipartUploads", method: "GET", at: bucket, query: { ...query, ...resume } },
        parseUploadsPage,
      );
    } catch (error) {
      if (!(error instanceof S3Error) || isTransient(error.class)) throw error;
      return;
    }
    yield* page.uploads;
    resume = page.next;
  } while (resume !== undefined);
};

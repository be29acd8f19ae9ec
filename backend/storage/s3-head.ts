import type { S3Address } from "../../shared/address.ts";
import { malformed, S3Error } from "./s3-failure.ts";
import type { S3Client, S3Request } from "./s3-request.ts";
import { quoteEtag } from "./s3-xml.ts";
import type { ObjectInfo } from "./store.ts";

/** Metadata that tells whose upload an object was made of. */
export const attemptHeader = "x-amz-meta-attempt";

/** What HEAD tells of an object; `attempt` is that of the upload which it was made of. */
type S3Head = { readonly info: ObjectInfo; readonly attempt: string | undefined };

/** @returns undefined when there is no such object; @throws StorageError also when there is no such bucket */
export const headS3 = async (client: S3Client, at: S3Address): Promise<S3Head | undefined> => {
  let headers: ReadonlyMap<string, string>;
  try {
    headers = await client.headers({ method: "HEAD", at });
  } catch (error) {
    const reason = await explained(client, { method: "GET", at, headers: { range: "bytes=0-0" } }, error);
    if (reason.code === "NoSuchKey") return undefined;
    throw reason;
  }
  const size = Number(headers.get("content-length") ?? Number.NaN);
  const etag = headers.get("etag");
  if (!Number.isInteger(size) || etag === undefined) throw malformed(at, "the answer to HEAD has no size or no ETag");
  return { info: { address: at, size, etag: quoteEtag(etag) }, attempt: headers.get(attemptHeader) };
};

/** The refusal of a HEAD, which has no body to tell the store's code, as the store words it for a GET. */
export const explained = async (client: S3Client, get: S3Request, error: unknown): Promise<S3Error> => {
  if (!(error instanceof S3Error) || error.status === undefined) throw error;
  try {
    (await client.open(get)).body.destroy();
  } catch (reason) {
    if (reason instanceof S3Error) return reason;
    throw reason;
  }
  return error;
};

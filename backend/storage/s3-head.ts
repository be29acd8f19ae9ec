import type { S3Address } from "../../shared/address.ts";
import { asStored } from "./s3-encoding.ts";
import { malformed, S3Error } from "./s3-failure.ts";
import type { S3Client, S3Request } from "./s3-request.ts";
import { quoteEtag } from "./s3-xml.ts";
import type { ObjectInfo } from "./store.ts";

/** Metadata that names the attempt whose upload created an object. */
export const attemptHeader = "x-amz-meta-attempt";

/** The result of HEAD for an object. `attempt` is the attempt whose upload created it. */
type S3Head = { readonly info: ObjectInfo; readonly attempt: string | undefined };

/** Looks up an object. @returns undefined if there is no such object @throws StorageError also if the bucket does not exist */
export const headS3 = async (client: S3Client, at: S3Address): Promise<S3Head | undefined> => {
  let headers: ReadonlyMap<string, string>;
  try {
    headers = await headOf(client, at, { operation: "GetObject", headers: { range: "bytes=0-0" } });
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchKey") return undefined;
    throw error;
  }
  const size = Number(headers.get("content-length") ?? Number.NaN);
  const etag = headers.get("etag");
  if (!Number.isInteger(size) || etag === undefined) throw malformed(at, "the answer to HEAD has no size or no ETag");
  return { info: { address: at, size, etag: quoteEtag(etag) }, attempt: headers.get(attemptHeader) };
};

/**
 * Returns the headers of a HEAD request. A refused HEAD has no body with the store's error code, so a GET finds it out. If the
 * GET succeeds, the problem has gone, for example because expired credentials were renewed for it, and HEAD is sent again.
 *
 * @param get what keeps the answer to the GET small
 */
export const headOf = async (
  client: S3Client,
  at: S3Address,
  get: Pick<S3Request, "operation" | "query" | "headers">,
): Promise<ReadonlyMap<string, string>> => {
  const head: S3Request = {
    operation: at.key === "" ? "HeadBucket" : "HeadObject",
    method: "HEAD",
    at,
    unsigned: asStored,
  };
  try {
    return await client.headers(head);
  } catch (error) {
    if (!(error instanceof S3Error) || error.status === undefined) throw error;
  }
  (await client.open({ method: "GET", at, ...get })).body.destroy();
  return client.headers(head);
};

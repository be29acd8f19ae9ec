import type { S3Address } from "../../shared/address.ts";
import { asStored } from "./s3-encoding.ts";
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
 * The headers that HEAD answers. A refusal of it has no body to tell the store's code: it is the one that a GET gets. Where
 * that is none, what was wrong has passed, such as credentials that had expired and were renewed for the GET.
 *
 * @param get what makes a small answer of the GET
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

import { formatAddress, type S3Address } from "../../shared/address.ts";
import { S3Error } from "./s3-failure.ts";
import { headOf } from "./s3-head.ts";
import type { S3Client } from "./s3-request.ts";
import { bucketBody } from "./s3-xml.ts";
import { StorageError } from "./store.ts";

/** Creates the bucket if it does not exist. */
export const ensureS3Bucket = async (client: S3Client, at: S3Address): Promise<void> => {
  const bucket = { ...at, key: "" };
  try {
    await headOf(client, bucket, { operation: "ListObjectsV2", query: { "list-type": "2", "max-keys": "1" } });
    return;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    // a client that may not list a bucket may still be allowed to write to it
    if (error.code === "AccessDenied") return;
    if (error.status !== 404) throw error;
  }
  try {
    await client.headers({ operation: "CreateBucket", method: "PUT", at: bucket, ...placement(await client.region()) });
  } catch (cause) {
    if (!(cause instanceof S3Error)) throw cause;
    if (cause.code === "BucketAlreadyOwnedByYou") return;
    const message = `${formatAddress(bucket)}: there is no such bucket, and the store does not create it; create it yourself`;
    throw new StorageError("NoSuchBucket", `${message} (${cause.message})`, { cause });
  }
};

// without a body, a bucket is created in us-east-1, which AWS refuses in a body; R2 calls its only region `auto`
const placement = (region: string | undefined): { body?: Uint8Array } =>
  region === undefined || region === "us-east-1" || region === "auto" ? {} : { body: Buffer.from(bucketBody(region)) };

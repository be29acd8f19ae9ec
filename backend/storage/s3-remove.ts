import { createHash } from "node:crypto";
import { formatAddress, type S3Address } from "../../shared/address.ts";
import { isTransient } from "./retry.ts";
import { S3Error } from "./s3-failure.ts";
import type { S3Client } from "./s3-request.ts";
import { deletionBody, parseRefusals } from "./s3-xml.ts";

/** The most keys that DeleteObjects takes. */
const deletionBatch = 1000;

/** Removes objects of any buckets. */
export const removeS3 = async (client: S3Client, all: readonly S3Address[]): Promise<void> => {
  for (const [bucket, keys] of byBucket(all)) {
    for (let first = 0; first < keys.length; first += deletionBatch) {
      await removeBatch(client, bucket, keys.slice(first, first + deletionBatch));
    }
  }
};

const byBucket = (all: readonly S3Address[]): ReadonlyMap<S3Address, string[]> => {
  const groups = new Map<string, [S3Address, string[]]>();
  for (const at of all) {
    const bucket = { ...at, key: "" };
    const [, keys] = groups.get(formatAddress(bucket)) ?? [];
    if (keys === undefined) groups.set(formatAddress(bucket), [bucket, [at.key]]);
    else keys.push(at.key);
  }
  return new Map(groups.values());
};

const removeBatch = async (client: S3Client, bucket: S3Address, keys: readonly string[]): Promise<void> => {
  const body = Buffer.from(deletionBody(keys));
  const headers = { "content-md5": createHash("md5").update(body).digest("base64"), "content-type": "application/xml" };
  await client.parsed({ method: "POST", at: bucket, query: { delete: "" }, headers, body }, (text) => {
    const refusals = parseRefusals(text).filter(({ code }) => code !== "NoSuchKey");
    // a lasting refusal first: where there is one, repeating the batch is of no use
    const worst = refusals.find((refusal) => !isTransient(refusal)) ?? refusals[0];
    if (worst === undefined) return;
    const more = refusals.length === 1 ? "" : `, and ${refusals.length - 1} more objects`;
    const message = `${formatAddress({ ...bucket, key: worst.key })}: ${worst.message} (${worst.code})${more}`;
    throw new S3Error(worst.code, message);
  });
};

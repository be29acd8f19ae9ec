import { createHash } from "node:crypto";
import { formatAddress, type S3Address } from "../../shared/address.ts";
import { inParallel } from "../parallel.ts";
import { classOf, isTransient } from "./failure-class.ts";
import { S3Error } from "./s3-failure.ts";
import type { S3Client } from "./s3-request.ts";
import { deletionBody, parseRefusals } from "./s3-xml.ts";

/** The maximum number of keys that DeleteObjects accepts. */
const deletionBatch = 1000;

/** The maximum number of concurrent DeleteObject requests. */
const deletionsAtOnce = 16;

/**
 * The statuses that stores without DeleteObjects answer: GCS's XML API 501, others 405. Some mistake the request for a form
 * upload (400) or do not know the route (404).
 */
const unsupportedStatuses: ReadonlySet<number | undefined> = new Set([400, 404, 405, 501]);

/** The error codes for such stores if they answer 200. */
const unsupportedCodes: ReadonlySet<string> = new Set(["MalformedAnswer", "MethodNotAllowed", "NotImplemented"]);

/** Removes objects, in batches if the store supports DeleteObjects. */
export class S3Remover {
  readonly #client: S3Client;
  readonly #singly: Set<string>;

  /** @param withoutBatches the endpoints without DeleteObjects; the remover adds to it */
  constructor(client: S3Client, withoutBatches: Set<string>) {
    this.#client = client;
    this.#singly = withoutBatches;
  }

  /** Removes objects of any buckets. An object that does not exist counts as removed. */
  async remove(all: readonly S3Address[]): Promise<void> {
    for (const [bucket, keys] of byBucket(all)) {
      for (let first = 0; first < keys.length; first += deletionBatch) {
        await this.#remove(bucket, keys.slice(first, first + deletionBatch));
      }
    }
  }

  async #remove(bucket: S3Address, keys: readonly string[]): Promise<void> {
    const { endpoint } = bucket;
    const plain = this.#singly.has(endpoint) ? [] : keys.filter(isPlain);
    if (plain.length > 0) {
      try {
        await removeBatch(this.#client, bucket, plain);
      } catch (error) {
        if (!(error instanceof S3Error && isUnsupported(error))) throw error;
        // if the refusal had another cause, a single deletion fails with that cause
        await this.#removeSingly(bucket, plain);
        this.#singly.add(endpoint);
      }
    }
    const removed = new Set(plain);
    await this.#removeSingly(
      bucket,
      keys.filter((key) => !removed.has(key)),
    );
  }

  #removeSingly(bucket: S3Address, keys: readonly string[]): Promise<void> {
    return inParallel(keys, (key) => removeObject(this.#client, { ...bucket, key }), deletionsAtOnce);
  }
}

/** Whether every store reads a key from XML unchanged: control characters are not safe, and some stores trim spaces. */
const isPlain = (key: string): boolean =>
  // oxlint-disable-next-line no-control-regex -- keys may hold them
  key === key.trim() && !/[\u0000-\u001f\u007f]/.test(key);

const isUnsupported = ({ status, code }: S3Error): boolean =>
  unsupportedStatuses.has(status) || unsupportedCodes.has(code);

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
  await client.parsed(
    { operation: "DeleteObjects", method: "POST", at: bucket, query: { delete: "" }, headers, body },
    (text) => {
      const refusals = parseRefusals(text).filter(({ code }) => code !== "NoSuchKey");
      // prefer a permanent refusal: if there is one, repeating the batch is useless
      const worst = refusals.find((refusal) => !isTransient(classOf(refusal))) ?? refusals[0];
      if (worst === undefined) return;
      const more = refusals.length === 1 ? "" : `, and ${refusals.length - 1} more objects`;
      const message = `${formatAddress({ ...bucket, key: worst.key })}: ${worst.message} (${worst.code})${more}`;
      throw new S3Error(worst.code, message);
    },
  );
};

const removeObject = async (client: S3Client, at: S3Address): Promise<void> => {
  try {
    await client.headers({ operation: "DeleteObject", method: "DELETE", at });
  } catch (error) {
    if (!(error instanceof S3Error && error.code === "NoSuchKey")) throw error;
  }
};

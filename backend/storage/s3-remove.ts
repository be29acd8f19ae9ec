import { createHash } from "node:crypto";
import { formatAddress, type S3Address } from "../../shared/address.ts";
import { inParallel } from "../parallel.ts";
import { classOf, isTransient } from "./failure-class.ts";
import { S3Error } from "./s3-failure.ts";
import type { S3Client } from "./s3-request.ts";
import { deletionBody, parseRefusals } from "./s3-xml.ts";

/** The most keys that DeleteObjects takes. */
const deletionBatch = 1000;

/** DeleteObject requests under way at a time. */
const deletionsAtOnce = 16;

/**
 * The statuses of stores without DeleteObjects: GCS's XML API answers 501, others 405, or take the request for a form upload
 * (400) or for no route of theirs (404).
 */
const unsupportedStatuses: ReadonlySet<number | undefined> = new Set([400, 404, 405, 501]);

/** The codes of such stores where the answer is a 200. */
const unsupportedCodes: ReadonlySet<string> = new Set(["MalformedAnswer", "MethodNotAllowed", "NotImplemented"]);

/** Removes objects, in batches where the store has DeleteObjects. */
export class S3Remover {
  readonly #client: S3Client;
  readonly #singly: Set<string>;

  /** @param withoutBatches the endpoints without DeleteObjects, which is added to */
  constructor(client: S3Client, withoutBatches: Set<string>) {
    this.#client = client;
    this.#singly = withoutBatches;
  }

  /** Removes objects of any buckets. An object that is not there counts as removed. */
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
        // where the refusal had another cause, a single deletion is refused for it as well, and tells it
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

/** Whether XML carries a key to every store as it is: it has no control characters, and some stores leave out outer spaces. */
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
      // a lasting refusal first: where there is one, repeating the batch is of no use
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

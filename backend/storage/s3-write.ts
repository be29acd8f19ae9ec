import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { formatAddress, type S3Address } from "../../shared/address.ts";
import { malformed, S3Error } from "./s3-failure.ts";
import type { S3Client, S3Request } from "./s3-request.ts";
import type { CompletedPart } from "./s3-xml.ts";

/** The CRC-32 of bytes in S3's format: base64 of its four bytes, the highest first. */
const checksumOf = (bytes: Uint8Array): string => {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString("base64");
};

// unambiguous, because an ETag ends with a quote or, in some stores, with a hex digit
const formatTag = (etag: string, checksum: string | undefined): string =>
  checksum === undefined ? etag : `${etag} crc32=${checksum}`;

/** Parses the tag of a part. */
export const parseTag = (tag: string): CompletedPart => {
  const [, etag = tag, checksum] = /^(.*) crc32=([\w+/]+=*)$/s.exec(tag) ?? [];
  return { etag, crc32: checksum };
};

/**
 * Writes objects and parts with the checksums that their store accepts. If `S3Client.usesChecksums`, that is CRC-32, which the
 * store verifies and keeps; else none, because some stores refuse it. A bucket that requires a checksum, as one with default
 * retention does, gets Content-MD5, which all stores support but which takes several times as long to compute.
 */
export class S3Writer {
  readonly #client: S3Client;
  readonly #demanding: Set<string>;

  /** @param demanding the buckets that require a checksum; the writer adds to it */
  constructor(client: S3Client, demanding: Set<string>) {
    this.#client = client;
    this.#demanding = demanding;
  }

  /** Writes a whole object. */
  async put(at: S3Address, body: Uint8Array): Promise<void> {
    await this.#write({ operation: "PutObject", method: "PUT", at, body }, this.#checksum(at, body));
  }

  /** Stores one part of an upload. @returns its tag */
  async uploadPart(at: S3Address, uploadId: string, number: number, body: Uint8Array): Promise<string> {
    const query = { partNumber: String(number), uploadId };
    const checksum = this.#checksum(at, body);
    const etag = (await this.#write({ operation: "UploadPart", method: "PUT", at, query, body }, checksum)).get("etag");
    if (etag === undefined) throw malformed(at, "the answer to a part has no ETag");
    return formatTag(etag, checksum);
  }

  #checksum(at: S3Address, body: Uint8Array): string | undefined {
    return this.#client.usesChecksums(at) ? checksumOf(body) : undefined;
  }

  async #write(
    what: S3Request & { readonly body: Uint8Array },
    checksum: string | undefined,
  ): Promise<ReadonlyMap<string, string>> {
    if (checksum !== undefined) return this.#client.headers({ ...what, headers: { "x-amz-checksum-crc32": checksum } });
    const bucket = formatAddress({ ...what.at, key: "" });
    if (!this.#demanding.has(bucket)) {
      try {
        return await this.#client.headers(what);
      } catch (error) {
        if (!(error instanceof S3Error && demandsChecksum(error))) throw error;
        this.#demanding.add(bucket);
      }
    }
    const md5 = createHash("md5").update(what.body).digest("base64");
    return this.#client.headers({ ...what, headers: { "content-md5": md5 } });
  }
}

// "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
const demandsChecksum = ({ status, code, message }: S3Error): boolean =>
  status === 400 && (code === "MissingContentMD5" || (code === "InvalidRequest" && /content-md5/i.test(message)));

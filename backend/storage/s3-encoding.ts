import { createGunzip } from "node:zlib";
import { pipeline } from "node:stream";
import { formatAddress, type S3Address } from "../../shared/address.ts";
import { compressionOf, type Compression } from "../../shared/compression.ts";
import type { S3Answer } from "./s3-request.ts";
import { StorageError } from "./store.ts";

/**
 * Requests an object as it is stored. GCS decompresses objects that are stored with `Content-Encoding: gzip`, sends no length and
 * ignores ranges, unless the request accepts gzip (cloud.google.com/storage/docs/transcoding).
 */
export const asStored = { "accept-encoding": "gzip" } as const;

/** Codings that change an object's bytes. Others, such as a charset mistaken for a coding, have no effect. */
const codings: ReadonlySet<string> = new Set([
  "aws-chunked",
  "br",
  "bzip2",
  "compress",
  "deflate",
  "gzip",
  "x-bzip2",
  "x-compress",
  "x-gzip",
  "zstd",
]);

/** The codings that match the key's ending. */
const codingsOf: Readonly<Record<Compression, readonly string[]>> = {
  gzip: ["gzip", "x-gzip"],
  zstd: ["zstd"],
  bzip2: ["bzip2", "x-bzip2"],
};

/** Returns an error if an object's `Content-Encoding` does not match its key's ending, or is undone in transit. */
export const wrongEncoding = (at: S3Address, headers: S3Answer["headers"]): StorageError | undefined => {
  const encoding = headers.get("content-encoding");
  const stored = encoding ?? headers.get("x-goog-stored-content-encoding") ?? "";
  const found = stored
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => codings.has(coding));
  if (found.length === 0) return undefined;
  const compression = compressionOf(at.key);
  const expected = compression === undefined ? [] : codingsOf[compression];
  const isExpected = found.length === 1 && found.every((coding) => expected.includes(coding));
  if (isExpected && encoding !== undefined) return undefined;
  const what = isExpected
    ? "and the store, or a proxy before it, decompresses it on the way"
    : "which its key's ending does not say";
  const message =
    `${formatAddress(at)}: the object is stored with Content-Encoding '${found.join(", ")}', ${what}. Store it without ` +
    `Content-Encoding, under a key that ends in .gz, .zst or .bz2 where it is compressed so. With inputCompression "none" ` +
    "its bytes are read as they are";
  return new StorageError("UnsupportedInput", `${message} (UnsupportedInput)`);
};

type Body = AsyncIterable<Uint8Array> & { destroy(): unknown };

/**
 * The body of an answer as it is stored. Workers, and therefore the local S3 endpoint, compress objects that are stored with
 * `Content-Encoding: gzip` once more in transit. Such an answer has no length.
 */
export const storedBody = ({ headers, body }: S3Answer): Body =>
  headers.get("content-encoding") === "gzip" && !headers.has("content-length")
    ? pipeline(body, createGunzip(), () => {})
    : body;

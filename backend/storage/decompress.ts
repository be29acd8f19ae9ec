import { pipeline, type Transform } from "node:stream";
import { constants, createZstdDecompress } from "node:zlib";
import { compressionOf, type Compression } from "../../shared/compression.ts";
import { Bzip2Error } from "./bzip2-bits.ts";
import { bunzip2 } from "./bzip2.ts";
import { gunzip } from "./gunzip.ts";
import { pulled } from "./pulled.ts";
import { StorageError, type ByteStream } from "./store.ts";
import { ZstdFrames } from "./zstd-frames.ts";

// with Node's default of 16 KiB, switching costs more than decompressing
const chunkSize = 128 * 1024;

/**
 * The base-2 logarithm of the memory that a zstd frame may require, in bytes: 128 MiB. zstd's own tool allows as much by default
 * (ZSTD_WINDOWLOG_LIMIT_DEFAULT), and none of its levels needs more. The format permits 3.75 TiB.
 */
const windowLogMax = 27;
const zstdOptions = { chunkSize, params: { [constants.ZSTD_d_windowLogMax]: windowLogMax } };

const framed = async function* (stream: ByteStream): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames();
  for await (const chunk of stream) yield* frames.cut(chunk);
};

/** The output of a decompressor. A reader that stops early must call `return`. */
type Chunks = AsyncGenerator<Uint8Array, void, void>;

/** Yields the output of a transform that something else feeds. */
const outputOf = async function* (transform: Transform): Chunks {
  try {
    yield* transform;
  } finally {
    transform.destroy();
  }
};

const unzstd = (stream: ByteStream): Chunks => {
  const transform = createZstdDecompress(zstdOptions);
  pipeline(framed(stream), transform, () => {});
  return outputOf(transform);
};

const decompressors: Readonly<Record<Compression, (stream: ByteStream) => Chunks>> = {
  gzip: gunzip,
  zstd: unzstd,
  bzip2: bunzip2,
};

/**
 * Decompresses an object according to the ending of its key: `.gz` with any number of members, `.zst` with any number of
 * frames, `.bz2` with any number of streams. Other objects are returned as they are. Zeros after gzip's members are padding;
 * any other bytes after the end are an error.
 *
 * The stream fails with the error of `stream`, or with a `StorageError`: `CorruptInput` for damaged or truncated data,
 * `WindowTooLarge` for a zstd frame that requires more than 128 MiB of memory. It decompresses only a few chunks ahead of the
 * reader, no matter how far the compressed data expands.
 */
export const decompressed = (key: string, stream: ByteStream): ByteStream => {
  const compression = compressionOf(key);
  if (compression === undefined) return stream;
  const chunks = decompressors[compression](stream);
  return pulled({
    next: async () => {
      try {
        return (await chunks.next()).value ?? undefined;
      } catch (error) {
        throw isDamage(error) ? corrupt(key, error) : error;
      }
    },
    close: async () => {
      stream.destroy();
      // The generator may be waiting for the stream and can return only once the stream has ended.
      chunks.return().catch(() => undefined);
    },
  });
};

const isDamage = (error: unknown): error is Error =>
  error instanceof Bzip2Error || (error instanceof Error && /^(Z_|ZSTD_)/.test(codeOf(error)));

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "");

const corrupt = (key: string, cause: Error): StorageError => {
  if (codeOf(cause) === "ZSTD_error_frameParameter_windowTooLarge") {
    const message = `${key}: to decompress it takes a window of more than 128 MiB; compress it with at most zstd --long=27`;
    return new StorageError("WindowTooLarge", `${message} (WindowTooLarge)`, { cause });
  }
  return new StorageError(
    "CorruptInput",
    `${key}: the compressed data is damaged or cut off: ${cause.message} (CorruptInput)`,
    { cause },
  );
};

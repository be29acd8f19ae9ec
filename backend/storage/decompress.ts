import { pipeline, type Transform } from "node:stream";
import { constants, createZstdDecompress } from "node:zlib";
import { compressionOf, type Compression } from "../../shared/compression.ts";
import { Bzip2Error } from "./bzip2-bits.ts";
import { bunzip2 } from "./bzip2.ts";
import { gunzip } from "./gunzip.ts";
import { pulled } from "./pulled.ts";
import { StorageError, type ByteStream } from "./store.ts";
import { ZstdFrames } from "./zstd-frames.ts";

// Node's 16 KiB cost more in switching than in decompressing
const chunkSize = 128 * 1024;

/**
 * The memory that a zstd frame may ask for is two to the power of this, in bytes: 128 MiB, which zstd's own tool allows by default
 * (ZSTD_WINDOWLOG_LIMIT_DEFAULT) and its levels need at most. The format has up to 2 TiB.
 */
const windowLogMax = 27;
const zstdOptions = { chunkSize, params: { [constants.ZSTD_d_windowLogMax]: windowLogMax } };

const framed = async function* (stream: ByteStream): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames();
  for await (const chunk of stream) yield* frames.cut(chunk);
};

/** What a decompressor makes of a stream; whoever leaves off early must return it. */
type Chunks = AsyncGenerator<Uint8Array, void, void>;

/** The output of a transform, whose input comes from elsewhere. */
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
 * The bytes of an object as they were before compression, by the end of its key: `.gz` with any number of members, `.zst`
 * with any number of frames, `.bz2` with any number of streams, anything else as it is. Zeros after gzip's members are padding;
 * other bytes after the end are an error.
 *
 * The stream errs with the error of `stream`, or with a `StorageError`: `CorruptInput` for data that is damaged or cut off,
 * `WindowTooLarge` for a zstd frame that asks for more than 128 MiB of memory. It decompresses what is taken from it and a few
 * chunks more, however little of the compressed data that is.
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
      // It may be waiting for the stream, and end only when that has.
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

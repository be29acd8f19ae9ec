import { pipeline, type Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
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

type Decompressor = { readonly input: AsyncIterable<Uint8Array>; readonly transform: Transform };

const decompressors: readonly (readonly [string, (stream: ByteStream) => Decompressor])[] = [
  [".gz", (stream) => ({ input: stream, transform: createGunzip({ chunkSize }) })],
  [".zst", (stream) => ({ input: framed(stream), transform: createZstdDecompress(zstdOptions) })],
];

const decompressorOf = (key: string): ((stream: ByteStream) => Decompressor) | undefined =>
  decompressors.find(([suffix]) => key.endsWith(suffix))?.[1];

/**
 * The bytes of an object as they were before compression, by the end of its key: `.gz` with any number of members, `.zst`
 * with any number of frames, anything else as it is. Bytes after the end are an error (gzip, too, reports them), but
 * zeros after gzip's, which are padding.
 *
 * The stream errs with the error of `stream`, or with a `StorageError`: `CorruptInput` for data that is damaged or cut off,
 * `WindowTooLarge` for a zstd frame that asks for more than 128 MiB of memory. It decompresses what is taken from it and a few
 * chunks more, however little of the compressed data that is.
 */
export const decompressed = (key: string, stream: ByteStream): ByteStream => {
  const decompressor = decompressorOf(key)?.(stream);
  if (decompressor === undefined) return stream;
  const { input, transform } = decompressor;
  pipeline(input, transform, () => {});
  const chunks: AsyncIterator<Uint8Array> = transform[Symbol.asyncIterator]();
  return pulled({
    next: async () => {
      try {
        const { done, value } = await chunks.next();
        return done === true ? undefined : value;
      } catch (error) {
        throw isDamage(error) ? corrupt(key, error) : error;
      }
    },
    close: async () => {
      stream.destroy();
      transform.destroy();
    },
  });
};

const isDamage = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error && "code" in error && typeof error.code === "string" && /^(Z_|ZSTD_)/.test(error.code);

const corrupt = (key: string, cause: Error & { readonly code: string }): StorageError => {
  if (cause.code === "ZSTD_error_frameParameter_windowTooLarge") {
    const message = `${key}: to decompress it takes a window of more than 128 MiB; compress it with at most zstd --long=27`;
    return new StorageError("WindowTooLarge", `${message} (WindowTooLarge)`, { cause });
  }
  return new StorageError(
    "CorruptInput",
    `${key}: the compressed data is damaged or cut off: ${cause.message} (CorruptInput)`,
    { cause },
  );
};

import type { S3Address } from "../../shared/address.ts";
import { formatAddress } from "../../shared/address.ts";
import { chunkLength } from "./chunk-pool.ts";
import { ParallelPieces, pieceLength, piecesOf } from "./parallel-pieces.ts";
import { pulled, whole, type ByteSource } from "./pulled.ts";
import { Retries } from "../retry.ts";
import { asStored, storedBody, wrongEncoding } from "./s3-encoding.ts";
import { malformed, retryS3, S3Error, unreachable } from "./s3-failure.ts";
import type { S3Answer, S3Client } from "./s3-request.ts";
import { StorageError, type ByteRange, type ByteStream } from "./store.ts";

/** After this many bytes, a broken body gets all its tries again: it made real progress, not just a byte at a time. */
const progressBytes = 1024 * 1024;

/** What to read, and how. */
type Reading = {
  readonly client: S3Client;
  readonly at: S3Address;
  /** @default any content */
  readonly etag: string | undefined;
  /** As of `Store.read`. */
  readonly reusesMemory: boolean;
};

/**
 * Reads an object as `Store.read` specifies: a long range in pieces, several at a time. If a body breaks off, reading resumes from
 * the byte it reached, provided that the object has not changed.
 *
 * @param range undefined for the whole object
 * @throws StorageError before any byte was read; later errors are the stream's, `TruncatedBody` if every try broke off
 */
export const readS3 = async (
  client: S3Client,
  at: S3Address,
  range: ByteRange | undefined,
  etag: string | undefined,
  mayReuseMemory = false,
): Promise<ByteStream> => {
  if (range === undefined) {
    return pulled(await wholeBody({ client, at, etag, reusesMemory: false }), client.signal);
  }
  const { start, end } = range;
  if (start < 0 || end < start) throw invalidRange(at, range, "");
  // an HTTP range cannot be empty
  if (start === end) return whole(Buffer.alloc(0));
  const reusesMemory = mayReuseMemory && end - start >= chunkLength;
  const reading = { client, at, etag, reusesMemory };
  const body = await (end - start > 2 * pieceLength ? longBody(reading, range) : bodyOf(reading, range));
  return pulled(reusesMemory ? recycled(body, client.recycler()) : body, client.signal);
};

const recycled = (source: ByteSource, recycle: ReturnType<S3Client["recycler"]>): ByteSource => ({
  next: async () => {
    const chunk = await source.next();
    if (chunk !== undefined) recycle(chunk);
    return chunk;
  },
  close: () => source.close(),
});

const wholeBody = async (reading: Reading): Promise<ByteSource> => {
  const answer = await get(reading, undefined);
  const end = Number(answer.headers.get("content-length") ?? Number.NaN);
  if (!Number.isNaN(end)) return new ResumedBody(reading, answer, { start: 0, end });
  answer.body.destroy();
  throw malformed(reading.at, "the answer to GET has no Content-Length");
};

const bodyOf = async (reading: Reading, range: ByteRange): Promise<ByteSource> =>
  new ResumedBody(reading, await get(reading, range), range);

const longBody = async (reading: Reading, range: ByteRange): Promise<ByteSource> => {
  const first = { start: range.start, end: range.start + pieceLength };
  const answer = await get(reading, first, range);
  if (answer.status === 200) return new ResumedBody(reading, answer, range);
  const etag = reading.etag ?? answer.headers.get("etag");
  if (etag === undefined) {
    // nothing else would tell that all pieces are of the same object
    answer.body.destroy();
    return bodyOf(reading, range);
  }
  return new ParallelPieces(
    (function* () {
      yield Promise.resolve(new ResumedBody(reading, answer, first));
      for (const piece of piecesOf({ start: first.end, end: range.end })) yield bodyOf({ ...reading, etag }, piece);
    })(),
  );
};

const invalidRange = (at: S3Address, { start, end }: ByteRange, why: string): StorageError =>
  new StorageError("InvalidRange", `${formatAddress(at)}: there are no bytes ${start} to ${end}${why} (InvalidRange)`);

/** @param all instead of `range`, the store may send this one, if it is the whole object */
const get = async (
  { client, at, etag, reusesMemory }: Reading,
  range: ByteRange | undefined,
  all = range,
): Promise<S3Answer> => {
  const headers = {
    ...(range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` }),
    ...(etag === undefined ? {} : { "if-match": etag }),
  };
  let answer: S3Answer;
  try {
    answer = await client.open({
      operation: "GetObject",
      method: "GET",
      at,
      headers,
      unsigned: asStored,
      reusesMemory,
    });
  } catch (error) {
    if (!(error instanceof S3Error) || error.status !== 412) throw error;
    const message = `${formatAddress(at)}: the object has changed while the job was reading it (ObjectChanged)`;
    throw new StorageError("ObjectChanged", message, { cause: error });
  }
  const wrong =
    (client.readsEncoded ? undefined : wrongEncoding(at, answer.headers)) ?? mismatch(at, answer, range, all);
  if (wrong === undefined) return answer;
  answer.body.destroy();
  throw wrong;
};

/** Returns an error if an answer declares another range than requested. */
const mismatch = (
  at: S3Address,
  { status, headers }: S3Answer,
  range: ByteRange | undefined,
  all: ByteRange | undefined,
): StorageError | undefined => {
  if (range === undefined) return status === 200 ? undefined : malformed(at, `GET was answered with status ${status}`);
  // RFC 9110, 14.2: a server may send the whole object, which is fine if all of it is to be read
  if (status === 200 && all?.start === 0 && headers.get("content-length") === String(all.end)) return undefined;
  if (status !== 206) return malformed(at, `it ignores ranges: GET with one was answered with status ${status}`);
  const declared = headers.get("content-range") ?? "";
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(declared);
  const start = Number(match?.[1]);
  const last = Number(match?.[2]);
  if (start === range.start && last === range.end - 1) return undefined;
  if (start === range.start && last + 1 === Number(match?.[3]) && last < range.end) {
    return invalidRange(at, range, ` in an object of ${last + 1} bytes`);
  }
  return malformed(
    at,
    `GET of the bytes ${range.start} to ${range.end} was answered with Content-Range '${declared.slice(0, 100)}'`,
  );
};

class ResumedBody implements ByteSource {
  /** With the etag of what was read so far. */
  readonly #reading: Reading;
  readonly #end: number;
  #body: ReturnType<typeof storedBody>;
  #chunks: AsyncIterator<Uint8Array>;
  #position: number;
  readonly #retries: Retries;
  #failedAt = 0;
  #closed = false;

  constructor(reading: Reading, answer: S3Answer, { start, end }: ByteRange) {
    const { client } = reading;
    this.#retries = new Retries(client.pause, client.signal);
    this.#reading = { ...reading, etag: answer.headers.get("etag") };
    this.#position = start;
    this.#end = end;
    this.#body = storedBody(answer);
    this.#chunks = this.#body[Symbol.asyncIterator]();
  }

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = await this.#chunk();
      if (chunk instanceof S3Error) await this.#resume(chunk);
      else return chunk;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#body.destroy();
  }

  /** Returns the next bytes, undefined at the end, or the error with which the body broke off. */
  async #chunk(): Promise<Uint8Array | S3Error | undefined> {
    try {
      const { done, value } = await this.#chunks.next();
      if (done !== true) {
        this.#position += value.length;
        if (this.#position <= this.#end) return value;
        throw malformed(this.#reading.at, "it sent more bytes than it declared");
      }
    } catch (error) {
      this.#reading.client.signal?.throwIfAborted();
      if (this.#closed || error instanceof StorageError) throw error;
      if (this.#position === this.#end) return undefined;
      return unreachable(this.#reading.at, error, true);
    }
    if (this.#position === this.#end) return undefined;
    return new S3Error("TruncatedBody", "the body ended early");
  }

  async #resume(failure: S3Error): Promise<void> {
    if (this.#position - this.#failedAt >= progressBytes) this.#retries.reset();
    this.#failedAt = this.#position;
    const missing = `${this.#end - this.#position} bytes are missing at byte ${this.#position}`;
    const message = `${formatAddress(this.#reading.at)}: the store broke off its answer: ${missing} (TruncatedBody)`;
    const truncated = new StorageError("TruncatedBody", message, { cause: failure });
    await this.#retries.after(truncated, this.#reading.etag === undefined ? undefined : retryS3(failure, true));
    const rest = { start: this.#position, end: this.#end };
    this.#body = storedBody(await get(this.#reading, rest));
    this.#chunks = this.#body[Symbol.asyncIterator]();
    if (this.#closed) this.#body.destroy();
  }
}

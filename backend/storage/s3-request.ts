import { Readable } from "node:stream";
import { performance } from "node:perf_hooks";
import { request, type Dispatcher } from "undici";
import { abortable } from "../abort.ts";
import type { S3Address } from "../../shared/address.ts";
import { shuffleRoot } from "../../shared/outputs.ts";
import type { Credentials } from "../../shared/api/storage-access.ts";
import {
  checksumHeader,
  headersOf,
  secretsOf,
  type S3Operation,
  type StorageHeaders,
} from "../../shared/storage-headers.ts";
import { boundedText } from "./bounded-text.ts";
import { failureClass } from "./failure-class.ts";
import { pauseByClock, retrying, type Pause } from "../retry.ts";
import { bucketRegion, malformed, refused, retryS3, S3Error, saysExpired, unreachable } from "./s3-failure.ts";
import { isAws, movedBucket } from "./s3-aws.ts";
import type { S3Session } from "./s3-session.ts";
import type { S3Signer } from "./s3-signer.ts";
import { urlOf } from "./s3-url.ts";
import { parseError } from "./s3-xml.ts";
import { MalformedAnswerError } from "./xml.ts";

export type S3Request = {
  readonly operation: S3Operation;
  readonly method: "DELETE" | "GET" | "HEAD" | "POST" | "PUT";
  /** The bucket itself when its key is empty. */
  readonly at: S3Address;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that proxies change on the way, as Google's own do with `Accept-Encoding`: no signature covers them. */
  readonly unsigned?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
};

/** A successful answer; its body must be read or destroyed. */
export type S3Answer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Dispatcher.ResponseData["body"];
};

export type S3Options = {
  /** Sent with each request whose operation takes them. @default none */
  readonly headers?: StorageHeaders | undefined;
  /** Whether objects are read whatever `Content-Encoding` they are stored with. @default one that the key's ending says */
  readonly readsEncoded?: boolean | undefined;
  /** Ends everything under way, and every later request, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** @default by the clock */
  readonly pause?: Pause | undefined;
  /** Whether it is known that the stores work, though this session may not have heard from them. @default false */
  readonly areProven?: boolean | undefined;
};

/** Larger bodies are written piece by piece, so that time without an answer counts from the last one, not the first. */
const pieceSize = 256 * 1024;

/** Most bytes of an answer that is read as a whole: a list of 1,000 keys of 1 KiB, percent-encoded, has less than half. */
const longestAnswer = 8 * 1024 * 1024;

/** Most bytes of an answer that is no success, or is not looked at. */
const longestRefusal = 64 * 1024;

/** Signs and sends the requests of a task to S3-compatible stores. */
export class S3Client {
  readonly signal: AbortSignal | undefined;
  readonly pause: Pause;
  readonly readsEncoded: boolean;
  readonly #session: S3Session;
  readonly #headers: StorageHeaders;
  readonly #areProven: boolean;
  #lastUsed: Credentials | undefined;

  constructor(session: S3Session, options: S3Options) {
    const { headers = {}, readsEncoded = false, signal, pause = pauseByClock, areProven = false } = options;
    this.#session = session;
    this.#headers = headers;
    this.readsEncoded = readsEncoded;
    this.signal = signal;
    this.pause = pause;
    this.#areProven = areProven;
  }

  /** Sends until the answer is a success, and returns it as soon as its headers are there. */
  open(what: S3Request): Promise<S3Answer> {
    return this.#retrying(what, () => this.#send(what));
  }

  /** Sends until the answer is a success that `parse` understands. @throws StorageError also for an `<Error>` under status 200 */
  parsed<T>(what: S3Request, parse: (text: string) => T): Promise<T> {
    return this.#retrying(what, async () => {
      const answer = await this.#send(what);
      const text = await this.#text(what, answer, longestAnswer);
      if (text === undefined) throw malformed(what.at, "its answer has more than 8 MiB");
      const error = parseError(text);
      if (error !== undefined) throw refused(what.at, answer, error, true);
      try {
        return parse(text);
      } catch (cause) {
        throw cause instanceof MalformedAnswerError ? malformed(what.at, cause.message, cause) : cause;
      }
    });
  }

  /** Sends until the answer is a success, and returns its headers. @throws StorageError also for an `<Error>` under status 200 */
  headers(what: S3Request): Promise<ReadonlyMap<string, string>> {
    return this.#retrying(what, async () => {
      const answer = await this.#send(what);
      // that of a success is empty, or short; some stores have begun it before they know
      const error = parseError((await this.#text(what, answer, longestRefusal)) ?? "");
      if (error !== undefined) throw refused(what.at, answer, error, true);
      return answer.headers;
    });
  }

  /** Whether what is written to an address carries a CRC-32: at AWS, and where the job asks for it. */
  usesChecksums(at: S3Address): boolean {
    return this.#extraHeaders("CreateMultipartUpload", at)[checksumHeader] !== undefined;
  }

  /** The headers that the job has sent with an operation. */
  #extraHeaders(operation: S3Operation, { endpoint, key }: S3Address): Readonly<Record<string, string>> {
    const headers = isAws(endpoint) ? { [checksumHeader]: "CRC32", ...this.#headers } : this.#headers;
    return headersOf(headers, operation, !key.startsWith(shuffleRoot));
  }

  /** The region to create a bucket in. */
  async region(): Promise<string | undefined> {
    return (await this.#credentials())?.region;
  }

  /** @param expired those of which a store says so */
  async #credentials(expired?: Credentials): Promise<Credentials | undefined> {
    const source = this.#session.credentials;
    if (source === undefined) return undefined;
    this.signal?.throwIfAborted();
    return this.signal === undefined ? source(expired) : abortable(source(expired), this.signal);
  }

  async #retrying<T>({ at }: S3Request, work: () => Promise<T>): Promise<T> {
    const rate = this.#session.rateOf(at.endpoint);
    const tried = async (): Promise<T> => {
      const wait = rate.take();
      if (wait > 0) await this.pause(wait, this.signal);
      const sentAt = performance.now();
      try {
        const result = await work();
        rate.succeed();
        return result;
      } catch (error) {
        if (error instanceof S3Error && error.class === failureClass.throttled) rate.refuse(sentAt);
        throw error;
      }
    };
    try {
      return await retrying(tried, (error) => retryS3(error, this.#isProven(at)), this.pause, this.signal);
    } catch (error) {
      throw this.#withoutSecrets(error);
    }
  }

  #isProven(at: S3Address): boolean {
    return this.#areProven || this.#session.proven.has(bucketOf(at));
  }

  /** A store may repeat in its message what was sent to it, and everybody who may see the job sees that message. */
  #withoutSecrets(error: unknown): unknown {
    const { password, sessionToken } = this.#lastUsed ?? {};
    if (!(error instanceof S3Error)) return error;
    for (const secret of [password, sessionToken, ...secretsOf(this.#headers)]) {
      if (secret !== undefined) error.message = error.message.replaceAll(secret, "…");
    }
    return error;
  }

  /** @returns undefined for a body of more than `limit` bytes */
  async #text({ at }: S3Request, { body }: S3Answer, limit: number): Promise<string | undefined> {
    try {
      return await boundedText(body, limit);
    } catch (cause) {
      this.signal?.throwIfAborted();
      throw unreachable(at, cause, this.#isProven(at));
    }
  }

  async #send(what: S3Request): Promise<S3Answer> {
    const { at } = what;
    const { moved: places, regions, proven } = this.#session;
    const bucket = bucketOf(at);
    const first = await this.#credentials();
    let credentials = first;
    let place = places.get(bucket);
    let region = place?.region ?? credentials?.region ?? regions.get(bucket);
    for (;;) {
      const to = place === undefined ? what : { ...what, at: { ...at, endpoint: place.endpoint } };
      const answer = await this.#sendOnce(to, credentials, region);
      if (answer.status < 300) {
        proven.add(bucket);
        return answer;
      }
      const error = parseError((await this.#text(to, answer, longestRefusal)) ?? "");
      const wanted = error?.region ?? bucketRegion(answer.headers);
      const moved = place === undefined ? movedBucket(at.endpoint, answer) : undefined;
      if (moved !== undefined) {
        places.set(bucket, moved);
        place = moved;
        region = moved.region;
      } else if (answer.status === 400 && region === undefined && credentials !== undefined && wanted !== undefined) {
        regions.set(bucket, wanted);
        region = wanted;
      } else {
        const renewed =
          credentials === first && saysExpired(error) ? await this.#credentials(credentials) : credentials;
        if (renewed === credentials) throw refused(at, answer, error, this.#isProven(at));
        credentials = renewed;
      }
    }
  }

  async #sendOnce(
    what: S3Request,
    credentials: Credentials | undefined,
    region: string | undefined,
  ): Promise<S3Answer> {
    const { signal } = this;
    const url = urlOf(what);
    const { method, at, body } = what;
    const own = { ...this.#extraHeaders(what.operation, at), ...what.headers };
    const signed = credentials === undefined ? own : this.#signed({ method, url, headers: own }, credentials, region);
    const sent = { ...signed, ...what.unsigned };
    const pieces = body !== undefined && body.length > pieceSize;
    try {
      const answer = await request(url, {
        dispatcher: this.#session.dispatcherFor(url),
        method,
        headers: pieces ? { ...sent, "content-length": String(body.length) } : sent,
        body: pieces ? Readable.from(piecesOf(body), { objectMode: false }) : (body ?? null),
        ...(signal === undefined ? {} : { signal }),
      });
      // whoever reads the body sees its errors; a body that is let go must not end the process by one
      answer.body.on("error", () => {});
      return { status: answer.statusCode, headers: single(answer.headers), body: answer.body };
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreachable(at, cause, this.#isProven(at));
    }
  }

  #signed(
    what: Parameters<S3Signer["sign"]>[0],
    credentials: Credentials,
    region: string | undefined,
  ): Record<string, string> {
    this.#lastUsed = credentials;
    return this.#session.signer.sign(what, credentials, region);
  }
}

const bucketOf = ({ endpoint, bucket }: S3Address): string => `${endpoint}/${bucket}`;

const piecesOf = function* (body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += pieceSize) yield body.subarray(at, at + pieceSize);
};

const single = (headers: Dispatcher.ResponseData["headers"]): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(headers).flatMap(([name, value]) => {
      const first = Array.isArray(value) ? value[0] : value;
      return first === undefined ? [] : [[name, first] as const];
    }),
  );

import { Readable } from "node:stream";
import { performance } from "node:perf_hooks";
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
import { receive, type Received, type ReceivedBody } from "./receive.ts";
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
  /** The bucket itself if the key is empty. */
  readonly at: S3Address;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that the signature does not cover, because proxies change them, as Google's do with `Accept-Encoding`. */
  readonly unsigned?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Whether the memory of the answer's body is the session's, to be given back with `recycler`. @default false */
  readonly reusesMemory?: boolean;
};

/** A successful answer; its body must be read or destroyed. */
export type S3Answer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: ReceivedBody;
};

export type S3Options = {
  /** Sent with each request whose operation accepts them. @default none */
  readonly headers?: StorageHeaders | undefined;
  /** Whether to read objects with any `Content-Encoding`. @default only with one that matches the key's ending */
  readonly readsEncoded?: boolean | undefined;
  /** Makes all current and later requests fail with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** @default waits in real time */
  readonly pause?: Pause | undefined;
  /** Whether the stores are known to work, even if this session has had no answer yet. @default false */
  readonly areProven?: boolean | undefined;
};

/** Larger bodies are sent in pieces of this many bytes, so that the answer's timeout starts with the last piece. */
const pieceSize = 256 * 1024;

/** The most bytes of an answer that is read as a whole. A list of 1,000 percent-encoded keys of 1 KiB takes less than half. */
const longestAnswer = 8 * 1024 * 1024;

/** The most bytes of an answer that is not a success, or whose content is not used. */
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

  /** Sends until the answer is a success, and returns it as soon as its headers arrive. */
  open(what: S3Request): Promise<S3Answer> {
    return this.#retrying(what, () => this.#send(what));
  }

  /** Sends until the answer is a success, and parses it. @throws StorageError even for an `<Error>` with status 200 */
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

  /** Sends until the answer is a success, and returns its headers. @throws StorageError even for an `<Error>` with status 200 */
  headers(what: S3Request): Promise<ReadonlyMap<string, string>> {
    return this.#retrying(what, async () => {
      const answer = await this.#send(what);
      // the body of a success is empty or short; some stores begin to answer 200 before they know the outcome
      const error = parseError((await this.#text(what, answer, longestRefusal)) ?? "");
      if (error !== undefined) throw refused(what.at, answer, error, true);
      return answer.headers;
    });
  }

  /** Whether writes to an address carry a CRC-32: at AWS, and if the job asks for it. */
  usesChecksums(at: S3Address): boolean {
    return this.#extraHeaders("CreateMultipartUpload", at)[checksumHeader] !== undefined;
  }

  /** The headers that the job adds to an operation, and AWS's checksum header. */
  #extraHeaders(operation: S3Operation, { endpoint, key }: S3Address): Readonly<Record<string, string>> {
    const headers = isAws(endpoint) ? { [checksumHeader]: "CRC32", ...this.#headers } : this.#headers;
    return headersOf(headers, operation, !key.startsWith(shuffleRoot));
  }

  /** Returns a function to call with each chunk of a body that reuses memory, in order. */
  recycler(): (chunk: Uint8Array) => void {
    return this.#session.chunks.recycler();
  }

  /** The region to create a bucket in. */
  async region(): Promise<string | undefined> {
    return (await this.#credentials())?.region;
  }

  /** @param expired credentials that a store reports as expired */
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

  /** Removes secrets from a message: a store can echo what was sent to it, and everyone who may see the job sees the message. */
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
      const request = {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: pieces ? { ...sent, "content-length": String(body.length) } : sent,
        body: pieces ? Readable.from(piecesOf(body), { objectMode: false }) : (body ?? null),
      };
      const chunks = what.reusesMemory === true ? this.#session.chunks : undefined;
      const answer = await receive(this.#session.dispatcherFor(url), request, { chunks, signal });
      return { ...answer, headers: single(answer.headers) };
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

const single = (headers: Received["headers"]): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(headers).flatMap(([name, value]) => {
      const first = Array.isArray(value) ? value[0] : value;
      return first === undefined ? [] : [[name, first] as const];
    }),
  );

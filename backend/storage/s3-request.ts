import { Readable } from "node:stream";
import { AwsV4Signer } from "aws4fetch";
import { Agent, request, type buildConnector, type Dispatcher } from "undici";
import { abortable } from "../abort.ts";
import type { S3Address } from "../../shared/address.ts";
import { shuffleRoot } from "../../shared/outputs.ts";
import type { Credentials } from "../../shared/rest.ts";
import {
  checksumHeader,
  headersOf,
  secretsOf,
  type S3Operation,
  type StorageHeaders,
} from "../../shared/storage-headers.ts";
import { boundedText } from "./bounded-text.ts";
import type { CredentialsSource } from "./credentials.ts";
import { anyEndpoint, guardedConnector } from "./endpoint-guard.ts";
import { pauseByClock, retrying, type Pause } from "../retry.ts";
import { bucketRegion, malformed, refused, retryS3, S3Error, saysExpired, unreachable } from "./s3-failure.ts";
import { isAws, movedBucket, type BucketPlace } from "./s3-aws.ts";
import { parseError } from "./s3-xml.ts";
import { StorageError } from "./store.ts";
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
  /** @default requests are anonymous: neither signed nor with a key id */
  readonly credentials?: CredentialsSource | undefined;
  /** Sent with each request whose operation takes them. @default none */
  readonly headers?: StorageHeaders | undefined;
  /** Whether objects are read whatever `Content-Encoding` they are stored with. @default one that the key's ending says */
  readonly readsEncoded?: boolean | undefined;
  /** Ends everything under way, and every later request, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** @default by the clock */
  readonly pause?: Pause | undefined;
  /** Makes the connections. @default to any endpoint that a store can be at */
  readonly connect?: buildConnector.connector | undefined;
};

/** Larger bodies are written piece by piece, so that time without an answer counts from the last one, not the first. */
const pieceSize = 256 * 1024;

/** Most bytes of an answer that is read as a whole: a list of 1,000 keys of 1 KiB, percent-encoded, has less than half. */
const longestAnswer = 8 * 1024 * 1024;

/** Most bytes of an answer that is no success, or is not looked at. */
const longestRefusal = 64 * 1024;

/** Signs and sends the requests to S3-compatible stores. */
export class S3Client {
  readonly signal: AbortSignal | undefined;
  readonly pause: Pause;
  readonly readsEncoded: boolean;
  readonly #source: CredentialsSource | undefined;
  readonly #headers: StorageHeaders;
  /** Of the password that was last signed with. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();
  #lastUsed: Credentials | undefined;
  /** The regions that stores asked for, by endpoint and bucket. */
  readonly #regions = new Map<string, string>();
  /** Where AWS has buckets that lie in another region than the endpoint named, by endpoint and bucket. */
  readonly #moved = new Map<string, BucketPlace>();
  // Idle sockets do not keep the process alive. The number of connections has no limit here: tasks limit how many requests
  // they make at a time.
  readonly #agent: Agent;

  constructor(options: S3Options) {
    const {
      credentials,
      headers = {},
      readsEncoded = false,
      signal,
      pause = pauseByClock,
      connect = guardedConnector(anyEndpoint),
    } = options;
    this.#agent = new Agent({
      connect,
      headersTimeout: 20_000,
      // counts only while the reader waits for the store, not the other way round
      bodyTimeout: 20_000,
    });
    this.#source = credentials;
    this.#headers = headers;
    this.readsEncoded = readsEncoded;
    this.signal = signal;
    this.pause = pause;
  }

  /** Sends until the answer is a success, and returns it as soon as its headers are there. */
  open(what: S3Request): Promise<S3Answer> {
    return this.#retrying(() => this.#send(what));
  }

  /** Sends until the answer is a success that `parse` understands. @throws StorageError also for an `<Error>` under status 200 */
  parsed<T>(what: S3Request, parse: (text: string) => T): Promise<T> {
    return this.#retrying(async () => {
      const answer = await this.#send(what);
      const text = await this.#text(what, answer, longestAnswer);
      if (text === undefined) throw malformed(what.at, "its answer has more than 8 MiB");
      const error = parseError(text);
      if (error !== undefined) throw refused(what.at, answer, error);
      try {
        return parse(text);
      } catch (cause) {
        throw cause instanceof MalformedAnswerError ? malformed(what.at, cause.message, cause) : cause;
      }
    });
  }

  /** Sends until the answer is a success, and returns its headers. */
  headers(what: S3Request): Promise<ReadonlyMap<string, string>> {
    return this.#retrying(async () => {
      const answer = await this.#send(what);
      await this.#text(what, answer, longestRefusal);
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
    const source = this.#source;
    if (source === undefined) return undefined;
    this.signal?.throwIfAborted();
    return this.signal === undefined ? source(expired) : abortable(source(expired), this.signal);
  }

  async #retrying<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await retrying(work, retryS3, this.pause, this.signal);
    } catch (error) {
      throw this.#withoutSecrets(error);
    }
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
      throw unreachable(at, cause);
    }
  }

  async #send(what: S3Request): Promise<S3Answer> {
    const { at } = what;
    const bucket = `${at.endpoint}/${at.bucket}`;
    const first = await this.#credentials();
    let credentials = first;
    let place = this.#moved.get(bucket);
    let region = place?.region ?? credentials?.region ?? this.#regions.get(bucket);
    for (;;) {
      const to = place === undefined ? what : { ...what, at: { ...at, endpoint: place.endpoint } };
      const answer = await this.#sendOnce(to, credentials, region);
      if (answer.status < 300) return answer;
      const error = parseError((await this.#text(to, answer, longestRefusal)) ?? "");
      const wanted = error?.region ?? bucketRegion(answer.headers);
      const moved = place === undefined ? movedBucket(at.endpoint, answer) : undefined;
      if (moved !== undefined) {
        this.#moved.set(bucket, moved);
        place = moved;
        region = moved.region;
      } else if (answer.status === 400 && region === undefined && credentials !== undefined && wanted !== undefined) {
        this.#regions.set(bucket, wanted);
        region = wanted;
      } else {
        const renewed =
          credentials === first && saysExpired(error) ? await this.#credentials(credentials) : credentials;
        if (renewed === credentials) throw refused(at, answer, error);
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
    const signed = credentials === undefined ? own : await this.#signed(method, own, url, credentials, region);
    const headers = { ...signed, ...what.unsigned };
    const pieces = body !== undefined && body.length > pieceSize;
    try {
      const answer = await request(url, {
        dispatcher: this.#agent,
        method,
        headers: pieces ? { ...headers, "content-length": String(body.length) } : headers,
        body: pieces ? Readable.from(piecesOf(body), { objectMode: false }) : (body ?? null),
        ...(signal === undefined ? {} : { signal }),
      });
      // whoever reads the body sees its errors; a body that is let go must not end the process by one
      answer.body.on("error", () => {});
      return { status: answer.statusCode, headers: single(answer.headers), body: answer.body };
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreachable(at, cause);
    }
  }

  async #signed(
    method: S3Request["method"],
    headers: Readonly<Record<string, string>>,
    url: URL,
    credentials: Credentials,
    region: string | undefined,
  ): Promise<Record<string, string>> {
    const { username, password, sessionToken } = credentials;
    if (password !== this.#lastUsed?.password) this.#signingKeys.clear();
    this.#lastUsed = credentials;
    // aws4fetch declares the payload as unsigned: every store takes that, TLS protects it where it leaves the cluster, and
    // hashing would cost either side more than all the rest
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers },
      accessKeyId: username,
      secretAccessKey: password,
      service: "s3",
      cache: this.#signingKeys,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      // without one it takes the region from the endpoint's name, else us-east-1
      ...(region === undefined ? {} : { region }),
    });
    return Object.fromEntries((await signer.sign()).headers.entries());
  }
}

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const urlOf = ({ at, query = {} }: S3Request): URL => {
  const { endpoint, bucket, key } = at;
  if (bucket === "") throw new StorageError("InvalidBucketName", `${endpoint}: the address names no bucket`);
  const components = key.split("/");
  if (components.includes(".") || components.includes("..")) {
    // URLs have no way to write such a component
    throw new StorageError("InvalidKey", `the key '${key}' in ${endpoint}/${bucket} has '.' or '..' between slashes`);
  }
  const path = key === "" ? "" : `/${components.map(encode).join("/")}`;
  const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return new URL(`${endpoint}/${encode(bucket)}${path}${search.length === 0 ? "" : `?${search.join("&")}`}`);
};

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

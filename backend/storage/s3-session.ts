import type { buildConnector, Dispatcher } from "undici";
import { Dispatchers } from "../proxy.ts";
import { ChunkPool } from "./chunk-pool.ts";
import type { CredentialsSource } from "./credentials.ts";
import { anyEndpoint, checkEndpoint, guardedConnector, type EndpointPolicy } from "./endpoint-guard.ts";
import { RequestRate } from "./request-rate.ts";
import type { BucketPlace } from "./s3-aws.ts";
import { S3Signer } from "./s3-signer.ts";

export type S3SessionOptions = {
  /** @default requests are anonymous: neither signed nor with a key id */
  readonly credentials?: CredentialsSource | undefined;
  /** The endpoints that addresses may lead to. @default any that a store can have */
  readonly endpoints?: EndpointPolicy | undefined;
  /** Makes the direct connections. @default one that connects to what `endpoints` allows */
  readonly connect?: buildConnector.connector | undefined;
  /** @default a pool of its own */
  readonly chunks?: ChunkPool | undefined;
};

/** The state of one identity that outlives the tasks of a job: connections, and knowledge about stores. */
export class S3Session {
  readonly credentials: CredentialsSource | undefined;
  // Idle sockets do not keep the process alive. The number of connections is not limited here, because tasks limit their
  // concurrent requests.
  readonly #dispatchers: Dispatchers;
  readonly #endpoints: EndpointPolicy;
  readonly signer = new S3Signer();
  /** Memory for the bodies of objects. */
  readonly chunks: ChunkPool;
  /** The regions that stores asked for, by endpoint and bucket. */
  readonly regions = new Map<string, string>();
  /** The locations of AWS buckets that are in another region than the named endpoint, by endpoint and bucket. */
  readonly moved = new Map<string, BucketPlace>();
  /** The buckets, with their endpoints, that have answered successfully. */
  readonly proven = new Set<string>();
  /** The endpoints without DeleteObjects. */
  readonly withoutBatches = new Set<string>();
  /** The buckets, with their endpoints, that require a checksum on writes. */
  readonly demandingChecksums = new Set<string>();
  /** By endpoint. */
  readonly #rates = new Map<string, RequestRate>();

  constructor(options: S3SessionOptions) {
    const { credentials, endpoints = anyEndpoint, chunks = new ChunkPool() } = options;
    const { connect = guardedConnector(endpoints) } = options;
    this.credentials = credentials;
    this.chunks = chunks;
    this.#endpoints = endpoints;
    this.#dispatchers = new Dispatchers({
      connect,
      headersTimeout: 20_000,
      // applies only while the reader waits for the store, not while the store waits for the reader
      bodyTimeout: 20_000,
    });
  }

  /** Returns the dispatcher for a URL. @throws Error with the code `EndpointRefused` */
  dispatcherFor(url: URL): Dispatcher {
    if (this.#dispatchers.isProxied(url)) checkEndpoint(this.#endpoints, url);
    return this.#dispatchers.for(url);
  }

  /** Returns the rate limiter of an endpoint. */
  rateOf(endpoint: string): RequestRate {
    const rate = this.#rates.get(endpoint) ?? new RequestRate();
    this.#rates.set(endpoint, rate);
    return rate;
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.#dispatchers.destroy();
  }
}

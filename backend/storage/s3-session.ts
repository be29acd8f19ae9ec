import type { buildConnector, Dispatcher } from "undici";
import { Dispatchers } from "../proxy.ts";
import type { CredentialsSource } from "./credentials.ts";
import { anyEndpoint, checkEndpoint, guardedConnector, type EndpointPolicy } from "./endpoint-guard.ts";
import { RequestRate } from "./request-rate.ts";
import type { BucketPlace } from "./s3-aws.ts";
import { S3Signer } from "./s3-signer.ts";

export type S3SessionOptions = {
  /** @default requests are anonymous: neither signed nor with a key id */
  readonly credentials?: CredentialsSource | undefined;
  /** What addresses may lead to. @default any endpoint that a store can be at */
  readonly endpoints?: EndpointPolicy | undefined;
  /** Makes the direct connections. @default to what `endpoints` allows */
  readonly connect?: buildConnector.connector | undefined;
};

/** What outlives the tasks of a job, for one identity: connections, and what was learned of stores. */
export class S3Session {
  readonly credentials: CredentialsSource | undefined;
  // Idle sockets do not keep the process alive. The number of connections has no limit here: tasks limit how many requests
  // they make at a time.
  readonly #dispatchers: Dispatchers;
  readonly #endpoints: EndpointPolicy;
  readonly signer = new S3Signer();
  /** The regions that stores asked for, by endpoint and bucket. */
  readonly regions = new Map<string, string>();
  /** Where AWS has buckets that lie in another region than the endpoint named, by endpoint and bucket. */
  readonly moved = new Map<string, BucketPlace>();
  /** The buckets, with their endpoints, that have answered with a success. */
  readonly proven = new Set<string>();
  /** The endpoints without DeleteObjects. */
  readonly withoutBatches = new Set<string>();
  /** The buckets, with their endpoints, that demand a checksum of what is written. */
  readonly demandingChecksums = new Set<string>();
  /** By endpoint. */
  readonly #rates = new Map<string, RequestRate>();

  constructor({ credentials, endpoints = anyEndpoint, connect = guardedConnector(endpoints) }: S3SessionOptions) {
    this.credentials = credentials;
    this.#endpoints = endpoints;
    this.#dispatchers = new Dispatchers({
      connect,
      headersTimeout: 20_000,
      // counts only while the reader waits for the store, not the other way round
      bodyTimeout: 20_000,
    });
  }

  /** What sends a request. @throws Error with the code `EndpointRefused` */
  dispatcherFor(url: URL): Dispatcher {
    if (this.#dispatchers.isProxied(url)) checkEndpoint(this.#endpoints, url);
    return this.#dispatchers.for(url);
  }

  /** How fast requests are made of an endpoint. */
  rateOf(endpoint: string): RequestRate {
    const rate = this.#rates.get(endpoint) ?? new RequestRate();
    this.#rates.set(endpoint, rate);
    return rate;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#dispatchers.destroy();
  }
}

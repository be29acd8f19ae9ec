import type { Address } from "../../shared/address.ts";
import type { Credentials } from "../../shared/rest.ts";
import type { StorageHeaders } from "../../shared/storage-headers.ts";
import { fixedCredentials, type CredentialsSource } from "./credentials.ts";
import { anyEndpoint, guardedConnector, type EndpointPolicy } from "./endpoint-guard.ts";
import { FileStore } from "./file.ts";
import { s3DefaultEndpoint } from "./s3-default-endpoint.ts";
import { s3Store } from "./s3.ts";
import type { Store } from "./store.ts";

type OpenOptions = {
  /** The job's own. */
  readonly credentials?: Credentials | undefined;
  /** What the job has sent along. */
  readonly headers?: StorageHeaders | undefined;
  /** Whether objects are read whatever `Content-Encoding` they are stored with. @default one that the key's ending says */
  readonly readsEncoded?: boolean | undefined;
  /** The job's own endpoint of addresses that name none, `s3://bucket/key`. @default what the environment says */
  readonly s3Endpoint?: string | undefined;
  /** Used where the job has none; without them such requests are anonymous. */
  readonly ambient?: CredentialsSource | undefined;
  /** The absolute paths that `file:` addresses must stay in; none allows no file. */
  readonly fileRoots: readonly string[];
  /** What `http:` and `https:` addresses may lead to. @default any endpoint that a store can be at */
  readonly endpoints?: EndpointPolicy | undefined;
  /** Ends everything under way, and every later operation, with its reason. */
  readonly signal?: AbortSignal | undefined;
};

/** One store for all addresses: each operation goes to the store that the address's scheme names. */
export const openStore = (options: OpenOptions): Store => {
  const {
    credentials,
    headers,
    readsEncoded,
    s3Endpoint,
    ambient,
    fileRoots,
    endpoints = anyEndpoint,
    signal,
  } = options;
  const s3 = s3Store({
    headers,
    readsEncoded,
    credentials: credentials === undefined ? ambient : fixedCredentials(credentials),
    connect: guardedConnector(endpoints),
    defaultEndpoint: () => s3DefaultEndpoint({ endpoint: s3Endpoint, region: credentials?.region }),
    signal,
  });
  const file = new FileStore(fileRoots, signal);
  const of = (at: Address): Store => (at.scheme === "file" ? file : s3);
  return {
    head: (at) => of(at).head(at),
    list: (prefix) => of(prefix).list(prefix),
    read: (at, range, etag, reusesMemory) => of(at).read(at, range, etag, reusesMemory),
    open: (at, etag) => of(at).open(at, etag),
    put: (at, bytes) => of(at).put(at, bytes),
    remove: async (all) => {
      await s3.remove(all.filter(({ scheme }) => scheme === "s3"));
      await file.remove(all.filter(({ scheme }) => scheme === "file"));
    },
    createUpload: (at, attempt) => of(at).createUpload(at, attempt),
    uploadPart: (at, uploadId, number, bytes) => of(at).uploadPart(at, uploadId, number, bytes),
    completeUpload: (at, uploadId, tags, attempt) => of(at).completeUpload(at, uploadId, tags, attempt),
    abortUpload: (at, uploadId) => of(at).abortUpload(at, uploadId),
    abortUploads: (folder) => of(folder).abortUploads(folder),
    ensureBucket: (at) => of(at).ensureBucket(at),
  };
};

import type { Address } from "../../shared/address.ts";
import type { Credentials } from "../../shared/api/storage-access.ts";
import { fixedCredentials } from "./credentials.ts";
import { FileStore } from "./file.ts";
import { s3DefaultEndpoint } from "./s3-default-endpoint.ts";
import { s3Store } from "./s3.ts";
import type { S3Options } from "./s3-request.ts";
import type { S3Session } from "./s3-session.ts";
import type { Store } from "./store.ts";

type OpenOptions = S3Options & {
  /** The job's own. */
  readonly credentials?: Credentials | undefined;
  /** A session that outlives the store. @default a new one, for `credentials` */
  readonly session?: S3Session | undefined;
  /** The job's own endpoint for addresses without one, `s3://bucket/key`. @default the environment's */
  readonly s3Endpoint?: string | undefined;
  /** The absolute paths that `file:` addresses must stay within. If there are none, no file is allowed. */
  readonly fileRoots: readonly string[];
};

/** Opens one store for all addresses. The scheme of an address selects the store that an operation uses. */
export const openStore = ({ credentials, s3Endpoint, fileRoots, ...options }: OpenOptions): Store => {
  const s3 = s3Store({
    credentials: fixedCredentials(credentials),
    defaultEndpoint: () => s3DefaultEndpoint({ endpoint: s3Endpoint, region: credentials?.region }),
    ...options,
  });
  const { signal } = options;
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
    openUpload: (at, uploadId) => of(at).openUpload(at, uploadId),
    completeUpload: (at, uploadId, tags, attempt) => of(at).completeUpload(at, uploadId, tags, attempt),
    abortUpload: (at, uploadId) => of(at).abortUpload(at, uploadId),
    abortUploads: (folder) => of(folder).abortUploads(folder),
    ensureBucket: (at) => of(at).ensureBucket(at),
  };
};

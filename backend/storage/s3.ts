import { unnamedEndpoint, type Address, type S3Address } from "../../shared/address.ts";
import { ensureS3Bucket } from "./s3-bucket.ts";
import { headS3 } from "./s3-head.ts";
import { listS3 } from "./s3-list.ts";
import { readS3 } from "./s3-read.ts";
import { s3DefaultEndpoint } from "./s3-default-endpoint.ts";
import { S3Remover } from "./s3-remove.ts";
import { S3Client, type S3Options } from "./s3-request.ts";
import { S3Session, type S3SessionOptions } from "./s3-session.ts";
import { abortS3Upload, abortS3Uploads, completeS3Upload, createS3Upload } from "./s3-upload.ts";
import { S3Writer } from "./s3-write.ts";
import type { ObjectInfo, Store } from "./store.ts";

type S3StoreOptions = S3Options &
  S3SessionOptions & {
    /** A session that outlives the store. @default a new one, from the other options */
    readonly session?: S3Session | undefined;
    /** The endpoint for addresses without one, `s3://bucket/key`. @default that of this process's environment */
    readonly defaultEndpoint?: () => string;
  };

const s3Of = (at: Address): S3Address => {
  if (at.scheme === "s3") return at;
  throw new TypeError(`an S3 store was given a ${at.scheme} address`);
};

/** Restores the endpoint of the requested address in a store's answer. */
const asAsked = (info: ObjectInfo, { endpoint }: S3Address): ObjectInfo =>
  info.address.scheme === "s3" ? { ...info, address: { ...info.address, endpoint } } : info;

/**
 * A store for S3 addresses with any endpoint: AWS, MinIO, R2, Ceph. This is the only place that resolves addresses without an
 * endpoint.
 */
export const s3Store = ({ defaultEndpoint = s3DefaultEndpoint, ...options }: S3StoreOptions): Store => {
  const own = (at: Address): S3Address => {
    const address = s3Of(at);
    return address.endpoint === unnamedEndpoint ? { ...address, endpoint: defaultEndpoint() } : address;
  };
  const session = options.session ?? new S3Session(options);
  const client = new S3Client(session, options);
  const remover = new S3Remover(client, session.withoutBatches);
  const writer = new S3Writer(client, session.demandingChecksums);
  return {
    head: async (at) => {
      const head = await headS3(client, own(at));
      return head === undefined ? undefined : asAsked(head.info, s3Of(at));
    },
    list: async function* (prefix) {
      for await (const info of listS3(client, own(prefix))) yield asAsked(info, s3Of(prefix));
    },
    read: async (at, range, etag, reusesMemory) => readS3(client, own(at), range, etag, reusesMemory),
    open: async () => undefined,
    put: async (at, body) => writer.put(own(at), body),
    remove: async (all) => remover.remove(all.map(own)),
    createUpload: async (at, attempt) => createS3Upload(client, own(at), attempt),
    uploadPart: async (at, uploadId, number, bytes) => writer.uploadPart(own(at), uploadId, number, bytes),
    openUpload: async () => undefined,
    completeUpload: async (at, uploadId, tags, attempt) => completeS3Upload(client, own(at), uploadId, tags, attempt),
    abortUpload: async (at, uploadId) => abortS3Upload(client, own(at), uploadId),
    abortUploads: async (prefix) => abortS3Uploads(client, own(prefix)),
    ensureBucket: async (at) => ensureS3Bucket(client, own(at)),
  };
};

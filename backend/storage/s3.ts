import type { Address, S3Address } from "../../shared/address.ts";
import { ensureS3Bucket } from "./s3-bucket.ts";
import { headS3 } from "./s3-head.ts";
import { listS3 } from "./s3-list.ts";
import { readS3 } from "./s3-read.ts";
import { S3Remover } from "./s3-remove.ts";
import { S3Client, type S3Options } from "./s3-request.ts";
import { abortS3Upload, abortS3Uploads, completeS3Upload, createS3Upload } from "./s3-upload.ts";
import { S3Writer } from "./s3-write.ts";
import type { Store } from "./store.ts";

const own = (at: Address): S3Address => {
  if (at.scheme !== "s3") throw new TypeError(`an S3 store was given a ${at.scheme} address`);
  return at;
};

/** A store of S3 addresses, whatever their endpoints: AWS, MinIO, R2, Ceph. */
export const s3Store = (options: S3Options): Store => {
  const client = new S3Client(options);
  const remover = new S3Remover(client);
  const writer = new S3Writer(client);
  return {
    head: async (at) => (await headS3(client, own(at)))?.info,
    list: (prefix) => listS3(client, own(prefix)),
    read: async (at, range, etag) => readS3(client, own(at), range, etag),
    open: async () => undefined,
    put: async (at, body) => writer.put(own(at), body),
    remove: async (all) => remover.remove(all.map(own)),
    createUpload: async (at, attempt) => createS3Upload(client, own(at), attempt),
    uploadPart: async (at, uploadId, number, bytes) => writer.uploadPart(own(at), uploadId, number, bytes),
    completeUpload: async (at, uploadId, tags, attempt) => completeS3Upload(client, own(at), uploadId, tags, attempt),
    abortUpload: async (at, uploadId) => abortS3Upload(client, own(at), uploadId),
    abortUploads: async (prefix) => abortS3Uploads(client, own(prefix)),
    ensureBucket: async (at) => ensureS3Bucket(client, own(at)),
  };
};

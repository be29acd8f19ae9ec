import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { joinAddress, parseAddress, type Address } from "../../../shared/address.ts";
import type { StorageHeaders } from "../../../shared/storage-headers.ts";
import { removeFolder } from "../../../backend/runner/tasks/remove-folder.ts";
import { fixedCredentials } from "../../../backend/storage/credentials.ts";
import { openStore } from "../../../backend/storage/open.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import type { Store } from "../../../backend/storage/store.ts";
import { givenStore } from "../../helpers/given-store.ts";
import { startS3Endpoint } from "../../helpers/s3-endpoint.ts";
import { startFaultyS3 } from "./faulty-s3.ts";

/** A store that must fulfil the contract. */
export type Subject = {
  readonly store: Store;
  /** An address with nothing below it. */
  readonly base: Address;
  readonly close: () => Promise<void>;
};

export const fileSubject = async (): Promise<Subject> => {
  const root = await mkdtemp(path.join(tmpdir(), "edgefold-store-"));
  return {
    store: openStore({ fileRoots: [root] }),
    base: { scheme: "file", path: `${root}/base` },
    close: () => rm(root, { recursive: true }),
  };
};

const s3Subject = async (): Promise<Subject> => {
  const { endpoint, accessKeyId, secretAccessKey, close } = await startS3Endpoint({ buckets: ["data"] });
  const credentials = { username: accessKeyId, password: secretAccessKey };
  return {
    store: openStore({ credentials, fileRoots: [] }),
    base: parseAddress(`${endpoint}/data/base`, false),
    close,
  };
};

/** A store that fails repeatedly, and has no DeleteObjects. */
const faultySubject = async (): Promise<Subject> => {
  const s3 = await startS3Endpoint({ buckets: ["data"] });
  const faulty = await startFaultyS3(s3.endpoint);
  const credentials = fixedCredentials({ username: s3.accessKeyId, password: s3.secretAccessKey });
  return {
    store: s3Store({ credentials, pause: async () => undefined }),
    base: parseAddress(`${faulty.endpoint}/data/base`, false),
    close: async () => {
      await faulty.close();
      await s3.close();
    },
  };
};

/** A server named by the environment. */
const givenSubject = (address: string, headers?: StorageHeaders) => async (): Promise<Subject> => {
  const { endpoint, bucket, credentials } = givenStore("CONTRACT_S3", address);
  const store = openStore({ credentials, headers, fileRoots: [] });
  const base = parseAddress(`${endpoint.origin}/${bucket}/contract-${randomUUID()}`, false);
  return { store, base, close: () => removeFolder(store, joinAddress(base, "")) };
};

const given = process.env["CONTRACT_S3"];

/** All subjects, with their names. */
export const subjects: readonly (readonly [string, () => Promise<Subject>])[] = [
  ["file", fileSubject],
  ["s3", s3Subject],
  ["faulty s3", faultySubject],
  ...(given === undefined
    ? []
    : ([
        ["given", givenSubject(given)],
        ["given, checksumming", givenSubject(given, { "x-amz-checksum-algorithm": "CRC32" })],
      ] as const)),
];

import { z } from "zod";

/** The operations of S3's API that jobs use, under S3's names. */
export type S3Operation =
  | (typeof writing | typeof ofObjects | typeof ofBuckets | typeof ofAll)[number]
  | "HeadBucket"
  | "CreateBucket";

const writing = ["PutObject", "CreateMultipartUpload"] as const;
/** Those that a key of the customer (SSE-C) goes with. */
const ofObjects = [...writing, "UploadPart", "CompleteMultipartUpload", "GetObject", "HeadObject"] as const;
const ofBuckets = ["ListObjectsV2", "ListMultipartUploads"] as const;
const ofAll = [...ofObjects, ...ofBuckets, "AbortMultipartUpload", "DeleteObject", "DeleteObjects"] as const;

type Rule = {
  /** The operations that S3's API reference has the header for. */
  readonly operations: readonly S3Operation[];
  /** Whether its value must not be repeated to anybody. */
  readonly secret?: true;
  /** Whether it is for the job's output alone: a shuffle is read back within hours, and removed. */
  readonly lasting?: true;
};

/** The headers that a job may have sent to its stores. */
const rules = {
  "x-amz-acl": { operations: writing, lasting: true },
  "x-amz-checksum-algorithm": { operations: ["CreateMultipartUpload"] },
  "x-amz-expected-bucket-owner": { operations: [...ofAll, "HeadBucket"] },
  "x-amz-request-payer": { operations: ofAll },
  "x-amz-server-side-encryption": { operations: writing },
  "x-amz-server-side-encryption-aws-kms-key-id": { operations: writing },
  "x-amz-server-side-encryption-bucket-key-enabled": { operations: writing },
  "x-amz-server-side-encryption-context": { operations: writing, secret: true },
  "x-amz-server-side-encryption-customer-algorithm": { operations: ofObjects },
  "x-amz-server-side-encryption-customer-key": { operations: ofObjects, secret: true },
  "x-amz-server-side-encryption-customer-key-md5": { operations: ofObjects, secret: true },
  "x-amz-storage-class": { operations: writing, lasting: true },
} as const satisfies Readonly<Record<string, Rule>>;

type HeaderName = keyof typeof rules;

/** Headers that a job has sent to a store, by their names in lower case. */
export type StorageHeaders = Readonly<Partial<Record<string, string>>>;

const isHeaderName = (name: string): name is HeaderName => Object.hasOwn(rules, name);

const ruleOf = (name: string): Rule | undefined => (isHeaderName(name) ? rules[name] : undefined);

/** The header that asks for CRC-32 checksums of what is written. */
export const checksumHeader = "x-amz-checksum-algorithm";

/** The headers among `headers` that S3 takes with an operation. @param lasting whether it is on an object of the output */
export const headersOf = (
  headers: StorageHeaders,
  operation: S3Operation,
  lasting: boolean,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const rule = ruleOf(name);
      const applies = rule?.operations.includes(operation) === true && (lasting || rule.lasting !== true);
      return applies && value !== undefined ? [[name, value] as const] : [];
    }),
  );

/** The values among `headers` that must not be repeated to anybody. */
export const secretsOf = (headers: StorageHeaders): string[] =>
  Object.entries(headers).flatMap(([name, value]) =>
    ruleOf(name)?.secret === true && value !== undefined ? [value] : [],
  );

const schemaOf = (names: readonly HeaderName[]) =>
  z
    .partialRecord(
      z.enum(names),
      z
        .string()
        .min(1)
        .max(4096)
        .regex(/^[!-~]+( +[!-~]+)*$/, "must have visible ASCII characters only"),
    )
    .refine(({ [checksumHeader]: algorithm = "CRC32" }) => algorithm === "CRC32", {
      path: [checksumHeader],
      message: "must be CRC32",
    });

const names = Object.keys(rules).filter(isHeaderName);

/** For the store of a job's input, which is only read. */
export const InputHeadersSchema = schemaOf(names.filter((name) => ruleOf(name)?.operations.includes("GetObject")));

/** For the store of a job's output. */
export const OutputHeadersSchema = schemaOf(names);

import { z } from "zod";
import { MalformedAnswerError, xmlReader } from "./xml.ts";

export type S3ErrorBody = {
  readonly code: string;
  readonly message: string;
  /** The region to sign for, where the store says that it was another one. */
  readonly region: string | undefined;
  /** The endpoint to use instead, where the store says so. */
  readonly endpoint: string | undefined;
};

type ListPage = {
  readonly objects: readonly { readonly key: string; readonly size: number; readonly etag: string }[];
  /** The token of the next page; undefined on the last one. */
  readonly next: string | undefined;
};

type UploadsPage = {
  readonly uploads: readonly { readonly key: string; readonly uploadId: string }[];
  /** What asks for the next page; undefined on the last one. */
  readonly next: { readonly "key-marker": string; readonly "upload-id-marker": string } | undefined;
};

const parse = xmlReader(["ListBucketResult.Contents", "ListMultipartUploadsResult.Upload", "DeleteResult.Error"]);

/** S3's codes are words, such as `NoSuchKey`. */
const CodeSchema = z.string().regex(/^\w[\w.-]{0,127}$/);

const errorSchema = z.object({
  Error: z.object({
    Code: CodeSchema,
    Message: z.string().default(""),
    Region: z.string().optional(),
    Endpoint: z.string().optional(),
  }),
});

/** A store's words on a single line, at most 1,000 UTF-16 units of them. */
const shown = (words: string): string => {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is replaced here
  const line = words.trim().replaceAll(/[\s\u0000-\u001f\u007f]+/g, " ");
  return line.length > 1000 ? `${line.slice(0, 999)}…` : line;
};

/** What can be the name of a region; undefined for anything else, which is not to be signed with. */
export const plausibleRegion = (region: string | undefined): string | undefined =>
  region !== undefined && /^[\w.-]{1,64}$/.test(region) ? region : undefined;

/** The `<Error>` of an answer, whatever its status; undefined when it is anything else. */
export const parseError = (text: string): S3ErrorBody | undefined => {
  if (!text.includes("<Error")) return undefined;
  try {
    const { Code: code, Message: message, Region: region, Endpoint: endpoint } = parse(text, errorSchema).Error;
    return {
      code,
      message: shown(message),
      region: plausibleRegion(region),
      endpoint: endpoint !== undefined && /^[\w.:-]{1,255}$/.test(endpoint) ? endpoint : undefined,
    };
  } catch {
    return undefined;
  }
};

/** Elements of a list in an answer, at most; S3 gives 1,000. Those of a longer one are not even looked at. */
const longestList = 10_000;

const few = <T extends z.ZodType>(schema: T) => z.array(z.unknown()).max(longestList).pipe(z.array(schema)).default([]);

const objectSchema = z.object({
  Key: z.string(),
  Size: z.string().regex(/^\d+$/).transform(Number),
  ETag: z.string(),
});

const listSchema = z.object({
  ListBucketResult: z.object({
    Contents: few(objectSchema),
    IsTruncated: z.enum(["true", "false"]),
    NextContinuationToken: z.string().optional(),
    EncodingType: z.string().optional(),
  }),
});

// AWS and MinIO write a space as +
const decodeKey = (key: string): string => {
  try {
    return decodeURIComponent(key.replaceAll("+", "%20"));
  } catch (cause) {
    throw new MalformedAnswerError(`the key '${shown(key)}' is not URL-encoded`, { cause });
  }
};

/** A page of ListObjectsV2, its keys decoded. */
export const parseListPage = (text: string): ListPage => {
  const { ListBucketResult: page } = parse(text, listSchema);
  if (page.IsTruncated === "true" && !page.NextContinuationToken) {
    throw new MalformedAnswerError("the list is truncated but names no next page");
  }
  const encoded = page.EncodingType === "url";
  return {
    objects: page.Contents.map(({ Key, Size, ETag }) => ({
      key: encoded ? decodeKey(Key) : Key,
      size: Size,
      etag: quoteEtag(ETag),
    })),
    next: page.IsTruncated === "true" ? page.NextContinuationToken : undefined,
  };
};

// without elements, the parser makes a text of it
const uploadsSchema = z.object({
  ListMultipartUploadsResult: z.union([
    z.string(),
    z.object({
      Upload: z.array(z.object({ Key: z.string(), UploadId: z.string() })).default([]),
      IsTruncated: z.enum(["true", "false"]).default("false"),
      NextKeyMarker: z.string().default(""),
      NextUploadIdMarker: z.string().default(""),
      EncodingType: z.string().optional(),
    }),
  ]),
});

/** A page of ListMultipartUploads, its keys decoded. */
export const parseUploadsPage = (text: string): UploadsPage => {
  const { ListMultipartUploadsResult: page } = parse(text, uploadsSchema);
  if (typeof page === "string") return { uploads: [], next: undefined };
  const decoded = (key: string): string => (page.EncodingType === "url" ? decodeKey(key) : key);
  if (page.IsTruncated === "true" && page.NextKeyMarker === "") {
    throw new MalformedAnswerError("the list is truncated but names no next page");
  }
  return {
    uploads: page.Upload.map(({ Key, UploadId }) => ({ key: decoded(Key), uploadId: UploadId })),
    next:
      page.IsTruncated === "true"
        ? { "key-marker": decoded(page.NextKeyMarker), "upload-id-marker": page.NextUploadIdMarker }
        : undefined,
  };
};

/** An ETag in its quotes, which some stores leave out in some answers. */
export const quoteEtag = (etag: string): string => (etag.endsWith('"') ? etag : `"${etag}"`);

const uploadSchema = z.object({ InitiateMultipartUploadResult: z.object({ UploadId: z.string().min(1) }) });

/** The id of an upload just created. */
export const parseUploadId = (text: string): string => parse(text, uploadSchema).InitiateMultipartUploadResult.UploadId;

const completionSchema = z.object({ CompleteMultipartUploadResult: z.unknown() });

/** Checks that the answer reports an upload as completed. */
export const parseCompletion = (text: string): void => {
  parse(text, completionSchema);
};

const refusalSchema = z.object({ Key: z.string(), Code: CodeSchema, Message: z.string().default("") });
// without elements, the parser makes a text of it
const deletionSchema = z.object({
  DeleteResult: z.union([z.string(), z.object({ Error: few(refusalSchema) })]),
});

/** The keys that a DeleteObjects could not remove, and why. */
export const parseRefusals = (text: string): readonly { key: string; code: string; message: string }[] => {
  const { DeleteResult: result } = parse(text, deletionSchema);
  if (typeof result === "string") return [];
  return result.Error.map(({ Key: key, Code: code, Message: message }) => ({ key, code, message: shown(message) }));
};

// control characters also need a reference: a parser would take \r\n for \n
const escape = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- keys may hold them
  text.replaceAll(/[&<>"'\u0000-\u001f\u007f]/g, (character) => `&#${character.charCodeAt(0)};`);

/** The body of a DeleteObjects, which answers only what it could not remove. */
export const deletionBody = (keys: readonly string[]): string =>
  `<Delete><Quiet>true</Quiet>${keys.map((key) => `<Object><Key>${escape(key)}</Key></Object>`).join("")}</Delete>`;

/** A part of an upload as its completion names it: `crc32` where it was sent with one. */
export type CompletedPart = { readonly etag: string; readonly crc32: string | undefined };

/** The body of a CompleteMultipartUpload of the parts 1, 2, … */
export const completionBody = (parts: readonly CompletedPart[]): string => {
  const elements = parts.map(({ etag, crc32 }, index) => {
    const checksum = crc32 === undefined ? "" : `<ChecksumCRC32>${escape(crc32)}</ChecksumCRC32>`;
    return `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escape(etag)}</ETag>${checksum}</Part>`;
  });
  return `<CompleteMultipartUpload>${elements.join("")}</CompleteMultipartUpload>`;
};

/** The body of a CreateBucket outside `us-east-1`, where a bucket is created without one. */
export const bucketBody = (region: string): string =>
  `<CreateBucketConfiguration><LocationConstraint>${escape(region)}</LocationConstraint></CreateBucketConfiguration>`;

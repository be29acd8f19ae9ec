import { z } from "zod";
import { MalformedAnswerError, xmlReader } from "./xml.ts";

export type S3ErrorBody = {
  readonly code: string;
  readonly message: string;
  /** The region to sign for, if the store reports that another one was used. */
  readonly region: string | undefined;
  /** The endpoint to use instead, if the store names one. */
  readonly endpoint: string | undefined;
};

type ListPage = {
  readonly objects: readonly { readonly key: string; readonly size: number; readonly etag: string }[];
  /** The token of the next page; undefined on the last one. */
  readonly next: string | undefined;
};

type UploadsPage = {
  readonly uploads: readonly { readonly key: string; readonly uploadId: string }[];
  /** The query parameters for the next page; undefined on the last one. */
  readonly next: { readonly "key-marker": string; readonly "upload-id-marker": string } | undefined;
};

const parse = xmlReader(["ListBucketResult.Contents", "ListMultipartUploadsResult.Upload", "DeleteResult.Error"]);

/** S3's codes are single words, such as `NoSuchKey`. */
const CodeSchema = z.string().regex(/^\w[\w.-]{0,127}$/);

const errorSchema = z.object({
  Error: z.object({
    Code: CodeSchema,
    Message: z.string().default(""),
    Region: z.string().optional(),
    Endpoint: z.string().optional(),
  }),
});

/** Formats a store's message as a single line of at most 1,000 UTF-16 units. */
const shown = (words: string): string => {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is replaced here
  const line = words.trim().replaceAll(/[\s\u0000-\u001f\u007f]+/g, " ");
  return line.length > 1000 ? `${line.slice(0, 999)}…` : line;
};

/** Returns a string that can be a region's name; undefined for anything else, which must not be used for signing. */
export const plausibleRegion = (region: string | undefined): string | undefined =>
  region !== undefined && /^[\w.-]{1,64}$/.test(region) ? region : undefined;

/** Parses the `<Error>` of an answer with any status. Undefined if the answer is anything else. */
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

/** The maximum number of elements in a list of an answer. S3 sends 1,000. A longer list is rejected without checking elements. */
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

/** Parses a page of ListObjectsV2, with decoded keys. */
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

// the parser turns an element without children into a string
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

/** Parses a page of ListMultipartUploads, with decoded keys. */
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

/** Adds the quotes of an ETag, which some stores omit in some answers. */
export const quoteEtag = (etag: string): string => (etag.endsWith('"') ? etag : `"${etag}"`);

const uploadSchema = z.object({ InitiateMultipartUploadResult: z.object({ UploadId: z.string().min(1) }) });

/** Parses the id of an upload that was just created. */
export const parseUploadId = (text: string): string => parse(text, uploadSchema).InitiateMultipartUploadResult.UploadId;

const completionSchema = z.object({ CompleteMultipartUploadResult: z.unknown() });

/** Checks that the answer reports an upload as completed. */
export const parseCompletion = (text: string): void => {
  parse(text, completionSchema);
};

const refusalSchema = z.object({ Key: z.string(), Code: CodeSchema, Message: z.string().default("") });
// the parser turns an element without children into a string
const deletionSchema = z.object({
  DeleteResult: z.union([z.string(), z.object({ Error: few(refusalSchema) })]),
});

/** Parses the keys that a DeleteObjects could not remove, and the reasons. */
export const parseRefusals = (text: string): readonly { key: string; code: string; message: string }[] => {
  const { DeleteResult: result } = parse(text, deletionSchema);
  if (typeof result === "string") return [];
  return result.Error.map(({ Key: key, Code: code, Message: message }) => ({ key, code, message: shown(message) }));
};

// control characters also need a reference, because a parser turns \r\n into \n
const escape = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- keys may hold them
  text.replaceAll(/[&<>"'\u0000-\u001f\u007f]/g, (character) => `&#${character.charCodeAt(0)};`);

/** The body of a DeleteObjects request that reports only the keys it could not remove. */
export const deletionBody = (keys: readonly string[]): string =>
  `<Delete><Quiet>true</Quiet>${keys.map((key) => `<Object><Key>${escape(key)}</Key></Object>`).join("")}</Delete>`;

/** A part of an upload as listed at completion. `crc32` is undefined if the part was sent without one. */
export type CompletedPart = { readonly etag: string; readonly crc32: string | undefined };

/** The body of a CompleteMultipartUpload request for the parts 1, 2, … */
export const completionBody = (parts: readonly CompletedPart[]): string => {
  const elements = parts.map(({ etag, crc32 }, index) => {
    const checksum = crc32 === undefined ? "" : `<ChecksumCRC32>${escape(crc32)}</ChecksumCRC32>`;
    return `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escape(etag)}</ETag>${checksum}</Part>`;
  });
  return `<CompleteMultipartUpload>${elements.join("")}</CompleteMultipartUpload>`;
};

/** The body of a CreateBucket request outside `us-east-1`, which must have no body. */
export const bucketBody = (region: string): string =>
  `<CreateBucketConfiguration><LocationConstraint>${escape(region)}</LocationConstraint></CreateBucketConfiguration>`;

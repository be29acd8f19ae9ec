import type { IncomingHttpHeaders } from "node:http";
import type { Objects, StoredObject } from "./objects.ts";
import type { Operation } from "./operation.ts";

export type StoreRequest = {
  readonly bucket: string;
  /** Percent-decoded; empty for the bucket itself. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** In the pieces that it arrived in. */
  readonly body: readonly Buffer[];
};

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** XML. */
  readonly text?: string;
  /** The bytes `[start, end)` of an object. */
  readonly range?: { readonly object: StoredObject; readonly start: number; readonly end: number };
};

/** The most keys of a list, as at AWS. */
const pageSize = 1000;

const pathOf = ({ bucket, key }: StoreRequest): string => `${bucket}/${key}`;

const failure = (status: number, code: string): Answer => ({ status, text: `<Error><Code>${code}</Code></Error>` });

const tagged = (etag: string | undefined): Answer =>
  etag === undefined ? failure(404, "NoSuchUpload") : { status: 200, headers: { etag } };

const metadataOf = ({ headers }: StoreRequest): StoredObject["metadata"] =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith("x-amz-meta-") && typeof value === "string" ? [[name, value]] : [],
    ),
  );

/** Keys in lists are percent-encoded, as the client asks for. */
const encodeKey = (path: string): string => encodeURIComponent(path.slice(path.indexOf("/") + 1));

const decodeReferences = (text: string): string =>
  text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

const list = (request: StoreRequest, objects: Objects): Answer => {
  const { bucket, query } = request;
  const after = query.get("continuation-token") ?? "";
  const all = objects.list(`${bucket}/${query.get("prefix") ?? ""}`).filter((path) => path > after);
  const page = all.slice(0, pageSize);
  const isTruncated = page.length < all.length;
  const contents = page.map((path) => {
    const object = objects.get(path);
    return `<Contents><Key>${encodeKey(path)}</Key><Size>${object?.content.size}</Size><ETag>${object?.etag}</ETag></Contents>`;
  });
  const next = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
  const text = `<EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join("")}`;
  return { status: 200, text: `<ListBucketResult>${text}</ListBucketResult>` };
};

const listUploads = ({ bucket, query }: StoreRequest, objects: Objects): Answer => {
  const uploads = objects
    .listUploads(`${bucket}/${query.get("prefix") ?? ""}`)
    .map(({ path, id }) => `<Upload><Key>${encodeKey(path)}</Key><UploadId>${id}</UploadId></Upload>`);
  const text = `<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${uploads.join("")}`;
  return { status: 200, text: `<ListMultipartUploadsResult>${text}</ListMultipartUploadsResult>` };
};

const removeAll = ({ bucket, body }: StoreRequest, objects: Objects): Answer => {
  for (const [, key = ""] of Buffer.concat(body)
    .toString()
    .matchAll(/<Key>(.*?)<\/Key>/gs)) {
    objects.remove(`${bucket}/${decodeReferences(key)}`);
  }
  return { status: 200, text: "<DeleteResult></DeleteResult>" };
};

const head = (request: StoreRequest, objects: Objects): Answer => {
  const object = objects.get(pathOf(request));
  if (object === undefined) return { status: 404 };
  const { content, etag, metadata } = object;
  return { status: 200, headers: { ...metadata, etag, "content-length": String(content.size) } };
};

const read = (request: StoreRequest, objects: Objects): Answer => {
  const object = objects.get(pathOf(request));
  if (object === undefined) return failure(404, "NoSuchKey");
  const { content, etag, metadata } = object;
  const expected = request.headers["if-match"];
  if (expected !== undefined && expected !== etag) return failure(412, "PreconditionFailed");
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const start = Number(from ?? 0);
  const end = Math.min(content.size, Number(to ?? content.size) + 1);
  if (start >= end && from !== undefined) return failure(416, "InvalidRange");
  const headers = { ...metadata, etag, "content-length": String(end - start) };
  const range = { object, start, end };
  if (from === undefined) return { status: 200, headers, range };
  return { status: 206, headers: { ...headers, "content-range": `bytes ${start}-${end - 1}/${content.size}` }, range };
};

const createUpload = (request: StoreRequest, objects: Objects): Answer => {
  const id = objects.createUpload(pathOf(request), metadataOf(request));
  const text = `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`;
  return { status: 200, text };
};

const uploadIdOf = ({ query }: StoreRequest): string => query.get("uploadId") ?? "";

const completeUpload = (request: StoreRequest, objects: Objects): Answer => {
  const etag = objects.completeUpload(uploadIdOf(request));
  if (etag === undefined) return failure(404, "NoSuchUpload");
  return { status: 200, text: `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>` };
};

/** How the store answers: what the product's client uses of S3, without checking signatures and the list of an upload's parts. */
export const answers: Readonly<Record<Operation, (request: StoreRequest, objects: Objects) => Answer>> = {
  HeadBucket: () => ({ status: 200 }),
  CreateBucket: () => ({ status: 200 }),
  ListObjectsV2: list,
  ListMultipartUploads: listUploads,
  DeleteObjects: removeAll,
  HeadObject: head,
  GetObject: read,
  PutObject: (request, objects) => tagged(objects.put(pathOf(request), request.body, metadataOf(request))),
  DeleteObject: (request, objects) => {
    objects.remove(pathOf(request));
    return { status: 204 };
  },
  CreateMultipartUpload: createUpload,
  UploadPart: (request, objects) =>
    tagged(objects.putPart(uploadIdOf(request), Number(request.query.get("partNumber")), request.body)),
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: (request, objects) => {
    objects.abortUpload(uploadIdOf(request));
    return { status: 204 };
  },
};

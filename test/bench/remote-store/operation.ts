/** S3's name for what a request asks for, by its method, what it addresses, and the parameter that tells it from others. */
const operations = {
  "HEAD bucket": "HeadBucket",
  "PUT bucket": "CreateBucket",
  "GET bucket": "ListObjectsV2",
  "GET bucket?uploads": "ListMultipartUploads",
  "POST bucket?delete": "DeleteObjects",
  "HEAD object": "HeadObject",
  "GET object": "GetObject",
  "PUT object": "PutObject",
  "DELETE object": "DeleteObject",
  "POST object?uploads": "CreateMultipartUpload",
  "PUT object?uploadId": "UploadPart",
  "POST object?uploadId": "CompleteMultipartUpload",
  "DELETE object?uploadId": "AbortMultipartUpload",
} as const;

export type Operation = (typeof operations)[keyof typeof operations];

const isKnown = (what: string): what is keyof typeof operations => Object.hasOwn(operations, what);

/** @param key empty for the bucket itself @throws Error for an operation that the store does not have */
export const operationOf = (method: string, key: string, query: URLSearchParams): Operation => {
  const parameter = ["uploads", "delete", "uploadId"].find((name) => query.has(name));
  const what = `${method} ${key === "" ? "bucket" : "object"}${parameter === undefined ? "" : `?${parameter}`}`;
  if (!isKnown(what)) throw new Error(`the store has no ${what}`);
  return operations[what];
};

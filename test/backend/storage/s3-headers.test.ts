import { connect as connectTcp } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { buildConnector } from "undici";
import { fixedCredentials } from "../../../backend/storage/credentials.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import type { Store } from "../../../backend/storage/store.ts";
import type { S3Address } from "../../../shared/address.ts";
import type { StorageHeaders } from "../../../shared/storage-headers.ts";
import { all, bytesOf } from "./bytes.ts";
import { content, error, reply, startFaultServer, type FaultServer } from "./fault-server.ts";

let server: FaultServer;
beforeEach(async () => {
  server = await startFaultServer();
});
afterEach(() => server.close());

/** Connects to the fault server, whatever the host. */
const connect: buildConnector.connector = (_options, callback) => {
  const socket = connectTcp(Number(new URL(server.at.endpoint).port), "127.0.0.1");
  socket.once("connect", () => callback(null, socket)).once("error", (failure) => callback(failure, null));
};

const open = (headers?: StorageHeaders): Store =>
  s3Store({
    credentials: fixedCredentials({ username: "id", password: "secret" }),
    headers,
    connect,
    pause: async () => undefined,
  });

const every = {
  "x-amz-acl": "bucket-owner-full-control",
  "x-amz-expected-bucket-owner": "111122223333",
  "x-amz-request-payer": "requester",
  "x-amz-server-side-encryption": "aws:kms",
  "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:111122223333:key/k",
  "x-amz-server-side-encryption-bucket-key-enabled": "true",
  "x-amz-server-side-encryption-context": "e30=",
  "x-amz-server-side-encryption-customer-algorithm": "AES256",
  "x-amz-server-side-encryption-customer-key": "a2V5a2V5",
  "x-amz-server-side-encryption-customer-key-md5": "bWQ1bWQ1",
  "x-amz-storage-class": "STANDARD_IA",
};
const names = Object.keys(every);
const customer = names.filter((name) => name.includes("-customer-"));
const general = ["x-amz-expected-bucket-owner", "x-amz-request-payer"];
const encryption = names.filter((name) => name.startsWith("x-amz-server-side-encryption"));
const created = [...encryption, ...general, "x-amz-acl", "x-amz-storage-class"];

const list = reply(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
const upload = reply(200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>");
const done = reply(200, "<CompleteMultipartUploadResult/>");
const etag = reply(200, "", { etag: '"e"' });
const body = Buffer.from("123456789");

/** The names of the job's headers in the last request, all of which must be signed. */
const sent = (): string[] => {
  const headers = server.headers.at(-1) ?? {};
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1]?.split(";") ?? [];
  const own = Object.keys(headers).filter((name) => names.includes(name));
  expect(signed).toEqual(expect.arrayContaining(own));
  return own.sort();
};

describe("the headers of a job", () => {
  test.each([
    ["PutObject", created, etag, (store: Store, at: S3Address) => store.put(at, body)],
    ["CreateMultipartUpload", created, upload, (store: Store, at: S3Address) => store.createUpload(at, "a")],
    [
      "UploadPart",
      [...customer, ...general],
      etag,
      (store: Store, at: S3Address) => store.uploadPart(at, "u", 1, body),
    ],
    [
      "CompleteMultipartUpload",
      [...customer, ...general],
      done,
      (store: Store, at: S3Address) => store.completeUpload(at, "u", ['"e"'], "a"),
    ],
    ["AbortMultipartUpload", general, reply(204), (store: Store, at: S3Address) => store.abortUpload(at, "u")],
    [
      "ListMultipartUploads",
      general,
      reply(200, "<ListMultipartUploadsResult/>"),
      (store: Store, at: S3Address) => store.abortUploads(at),
    ],
    ["ListObjectsV2", general, list, (store: Store, at: S3Address) => all(store.list(at))],
    [
      "GetObject",
      [...customer, ...general],
      content("x"),
      async (store: Store, at: S3Address) => bytesOf(await store.read(at)),
    ],
    ["HeadObject", [...customer, ...general], etag, (store: Store, at: S3Address) => store.head(at)],
    ["DeleteObjects", general, reply(200, "<DeleteResult/>"), (store: Store, at: S3Address) => store.remove([at])],
    [
      "HeadBucket",
      ["x-amz-expected-bucket-owner"],
      reply(200),
      (store: Store, at: S3Address) => store.ensureBucket(at),
    ],
  ])("are sent with %s if S3 accepts them", async (_operation, expected, answer, work) => {
    server.replies.push(answer);
    await work(open(every), server.at);
    expect(sent()).toEqual([...expected].sort());
  });

  test("are sent with single deletions, but not with the creation of a bucket", async () => {
    server.replies.push(error(501, "NotImplemented"), reply(204));
    await open(every).remove([server.at]);
    expect(sent()).toEqual(general);
    server.replies.push(reply(404), error(404, "NoSuchBucket"), reply(200));
    await open(every).ensureBucket(server.at);
    expect(server.asked.at(-1)).toBe("PUT /bucket");
    expect(sent()).toEqual([]);
  });

  test("for permanent objects are not sent with the shuffle", async () => {
    server.replies.push(etag, upload);
    const at = { ...server.at, key: ".edgefold/j/m-0" };
    await open(every).put(at, body);
    expect(sent()).toEqual([...encryption, ...general].sort());
    await open(every).createUpload(at, "a");
    expect(sent()).toEqual([...encryption, ...general].sort());
  });

  test("are not repeated in errors if they are secret", async () => {
    const secrets = ["a2V5a2V5", "bWQ1bWQ1", "e30="];
    server.replies.push(reply(403, `<Error><Code>AccessDenied</Code><Message>${secrets.join(" ")}</Message></Error>`));
    const failed: unknown = await open(every)
      .put(server.at, body)
      .catch((failure: unknown) => failure);
    expect(String(failed)).toContain("… … …");
    for (const secret of secrets) expect(String(failed)).not.toContain(secret);
  });
});

/** CRC-32's check value, of "123456789". */
const checkValue = Buffer.from([0xcb, 0xf4, 0x39, 0x26]).toString("base64");
const aws: S3Address = { scheme: "s3", endpoint: "http://s3.eu-west-1.amazonaws.com", bucket: "bucket", key: "key" };

describe("checksums", () => {
  test.each([
    ["AWS", aws, undefined],
    ["a store that the job asks them for", undefined, { "x-amz-checksum-algorithm": "CRC32" }],
  ])("are sent with everything written to %s", async (_name, address, headers) => {
    const at = address ?? server.at;
    const store = open(headers);
    server.replies.push(etag, upload, reply(200, "", { etag: "without-quotes" }), etag, done);
    await store.put(at, body);
    const id = await store.createUpload(at, "a");
    const tags = [await store.uploadPart(at, id, 1, body), await store.uploadPart(at, id, 2, body)];
    await store.completeUpload(at, id, tags, "a");
    const checksums = server.headers.map((sentHeaders) => [
      sentHeaders["x-amz-checksum-crc32"],
      sentHeaders["x-amz-checksum-algorithm"],
    ]);
    expect(checksums).toEqual([
      [checkValue, undefined],
      [undefined, "CRC32"],
      [checkValue, undefined],
      [checkValue, undefined],
      [undefined, undefined],
    ]);
    const part = (number: number, tag: string): string =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${tag}</ETag><ChecksumCRC32>${checkValue}</ChecksumCRC32></Part>`;
    expect(server.bodies.at(-1)).toBe(
      `<CompleteMultipartUpload>${part(1, "without-quotes")}${part(2, "&#34;e&#34;")}</CompleteMultipartUpload>`,
    );
  });

  test("are not sent to other stores, some of which refuse them", async () => {
    const store = open();
    server.replies.push(etag, upload, etag);
    await store.put(server.at, body);
    await store.createUpload(server.at, "a");
    expect(await store.uploadPart(server.at, "u", 1, body)).toBe('"e"');
    for (const headers of server.headers) {
      expect(Object.keys(headers).filter((name) => name.includes("checksum") || name === "content-md5")).toEqual([]);
    }
  });

  test.each([
    ["MinIO's code", error(400, "MissingContentMD5")],
    [
      "AWS's words",
      reply(
        400,
        "<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters</Message></Error>",
      ),
    ],
  ])("are Content-MD5 for a bucket that demands it by %s", async (_name, refusal) => {
    const store = open();
    server.replies.push(refusal, etag, etag, etag);
    await store.put(server.at, body);
    await store.uploadPart(server.at, "u", 1, body);
    await store.put({ ...server.at, bucket: "other" }, body);
    const md5 = "JfnnlDI7RTiF9RgfGNYF2A==".length;
    expect(server.headers.map((headers) => headers["content-md5"]?.length)).toEqual([undefined, md5, md5, undefined]);
  });

  test("that a store rejects lead to another attempt", async () => {
    server.replies.push(error(400, "BadDigest"), error(400, "XAmzContentChecksumMismatch"), etag);
    await open().put(aws, body);
    expect(server.asked).toHaveLength(3);
  });
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressAdvice } from "../../shared/address-advice.ts";

const account = "0123456789abcdef0123456789abcdef";

test.each([
  "http://minio:9000/test/test.txt",
  "http://minio:9000",
  "2130706433/bucket/key",
  "0x7f000001/bucket/key",
  "https://s3.us-east-1.amazonaws.com/bucket/key",
  "https://s3.amazonaws.com/bucket/key",
  "https://s3-eu-west-1.amazonaws.com/bucket/key",
  "https://s3.dualstack.us-east-1.amazonaws.com/bucket/key",
  "https://s3.cn-north-1.amazonaws.com.cn/bucket/key",
  "https://bucket.vpce-1a2b3c-5e6f.s3.us-east-1.vpce.amazonaws.com/name/key",
  `https://${account}.r2.cloudflarestorage.com/bucket/key`,
  `https://${account}.eu.r2.cloudflarestorage.com/bucket/key`,
  "https://storage.googleapis.com/bucket/key",
  "https://nyc3.digitaloceanspaces.com/bucket/key",
  "https://s3.us-west-004.backblazeb2.com/bucket/key",
  "https://s3.wasabisys.com/bucket/key",
  "https://s3.eu-central-1.wasabisys.com/bucket/key",
  "https://s3.fr-par.scw.cloud/bucket/key",
  "http://data/books/",
  "localhost/data/books/",
  "LOCALHOST/data",
  "minio:9000/bucket/key",
  "http:9000/bucket/key",
  "store.example/bucket/key",
  "[::1]:9000/bucket/key",
  "s3://bucket/key",
  "s3://data/books/*.txt",
  "file:///data/books/",
  "FILE:///data",
  "http://store/b/logs-202?-01/*.gz",
  "http://store/b/a?",
  "http://store/b/ye?r=2024/*",
  "http://store/b/ye?r=2024/month=?/",
  "http://store/b/?=x",
  "http://store/b/a?b&c/d",
  "http://store/b/a%3FversionId=3",
  "http://store/b/a%3Fx%3Dy%26z%3D1",
  "http://store/b/what?",
])("%s can be meant as written, and gets no advice", (text) => expect(addressAdvice(text)).toBeUndefined());

const presigned = [
  "https://bucket.s3.us-east-1.amazonaws.com/a.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F1&X-Amz-Signature=5ec4e7",
  "https://s3.us-east-1.amazonaws.com/b/a.txt?response-content-type=text%2Fplain&X-Amz-Signature=5ec4e7",
  "http://store/b/a.txt?x-amz-signature=5ec4e7",
  "https://s3.amazonaws.com/b/a?AWSAccessKeyId=A&Expires=1&Signature=5ec4e7",
  "https://storage.googleapis.com/b/a?X-Goog-Algorithm=x&X-Goog-Signature=5ec4e7",
  "https://storage.googleapis.com/b/a?GoogleAccessId=a@b&Expires=1&Signature=5ec4e7",
  "https://account.blob.core.windows.net/c/a?sv=2024-01-01&sr=b&sig=5ec4e7",
  "https://d111.cloudfront.net/a?Expires=1&Signature=5ec4e7&Key-Pair-Id=K",
  "https://s3.amazonaws.com/b/a?versionId=5ec4e7",
  "https://s3.amazonaws.com/b/*.txt?versionId=5ec4e7",
  "https://s3.amazonaws.com/b/a?X-Amz-Credential=AK/20240101/us-east-1/s3&X-Amz-Signature=5ec4e7/+=",
  "https://s3.amazonaws.com?X-Amz-Signature=5ec4e7",
  "s3.amazonaws.com/b/a?X-Amz-Signature=5ec4e7",
  "s3://bucket/a?versionId=5ec4e7",
  "file:///a?token=5ec4e7",
  "gs://bucket/a?generation=5ec4e7",
  "data/books?Signature=5ec4e7",
  "http://store/b/a?foo=5ec4e7",
  "http://store/b/a?foo=bar&baz=5ec4e7",
  "http://store/b/?prefix=a&secret=5ec4e7",
];

test.each(presigned)("%s gets advice that does not repeat its query", (text) => {
  const advice = addressAdvice(text) ?? "";
  expect(advice).toMatch(/presigned URLs and object versions \(versionId\) are not supported.*StorageCredentials/);
  expect(advice).not.toContain("5ec4e7");
  expect(advice).not.toContain("bucket");
});

test.each([
  ["/data/books/", "file:///data/books/"],
  ["/data/50% off/", "file:///data/50%25 off/"],
  ["file:docs/", "write file:///, then the absolute path of docs/"],
  ["file:/data/docs", "write file:///data/docs"],
  ["~/books/", "write file:///, then the absolute path"],
  ["./books", "write file:///"],
  ["../books", "write file:///"],
  ["C:\\data\\books", "Windows"],
  ["c:/data/books", "Windows"],
  ["\\\\server\\share", "Windows"],
  ["data/books/", "https://<endpoint>/data/books/, or s3://data/books/"],
  ["data", "s3://data"],
  ["minio/data/books", "http://minio/data/books"],
  ["s3:data/books", "write s3://data/books"],
  ["s3:/data/books", "write s3://data/books"],
  ["s3a://data/books", "write s3://data/books"],
  ["S3N://data/books", "write s3://data/books"],
  ["gs://data/books/", "write https://storage.googleapis.com/data/books/"],
  ["r2://data/books/", "write https://<account id>.r2.cloudflarestorage.com/data/books/"],
  ["hdfs://name:8020/data", "HDFS is not S3-compatible"],
  ["hdfs:///data", "HDFS is not S3-compatible"],
  ["wasbs://container@account.blob.core.windows.net/data", "Azure's storage is not S3-compatible"],
  ["gs://key:secret@bucket/data", "write https://storage.googleapis.com/bucket/key"],
  ["abfs://container/data", "Azure's storage is not S3-compatible"],
  ["http:/store/b", "write http://store/b"],
  ["https:store/b", "write https://store/b"],
])("%s gets the advice: %s", (text, cure) => expect(addressAdvice(text)).toContain(cure));

describe("an address with the bucket in the host name gets the path-style address as advice", () => {
  test.each([
    ["https://books.s3.us-east-1.amazonaws.com/a/b.txt", "https://s3.us-east-1.amazonaws.com/books/a/b.txt"],
    ["https://books.s3.us-east-1.amazonaws.com", "https://s3.us-east-1.amazonaws.com/books"],
    ["https://my.books.s3.amazonaws.com/", "https://s3.amazonaws.com/my.books/"],
    ["https://my.s3.books.s3.us-gov-west-1.amazonaws.com/a", "https://s3.us-gov-west-1.amazonaws.com/my.s3.books/a"],
    ["https://Books.S3-eu-west-1.amazonaws.com/A*", "https://s3-eu-west-1.amazonaws.com/books/A*"],
    ["https://books.s3.dualstack.eu-west-1.amazonaws.com/a", "https://s3.dualstack.eu-west-1.amazonaws.com/books/a"],
    ["https://books.s3-fips.us-east-1.amazonaws.com/a", "https://s3-fips.us-east-1.amazonaws.com/books/a"],
    ["https://books.s3-accelerate.amazonaws.com/a", "https://s3.amazonaws.com/books/a"],
    ["https://books.s3.cn-north-1.amazonaws.com.cn/a", "https://s3.cn-north-1.amazonaws.com.cn/books/a"],
    ["books.s3.us-east-1.amazonaws.com/a", "https://s3.us-east-1.amazonaws.com/books/a"],
    ["http://books.s3.us-east-1.amazonaws.com:80/a", "http://s3.us-east-1.amazonaws.com:80/books/a"],
    ["https://books.s3.us-east-1.amazonaws.com./a", "https://s3.us-east-1.amazonaws.com/books/a"],
    [`https://books.${account}.r2.cloudflarestorage.com/a`, `https://${account}.r2.cloudflarestorage.com/books/a`],
    [
      `https://books.${account}.eu.r2.cloudflarestorage.com/a`,
      `https://${account}.eu.r2.cloudflarestorage.com/books/a`,
    ],
    ["https://books.storage.googleapis.com/a", "https://storage.googleapis.com/books/a"],
    ["https://books.nyc3.digitaloceanspaces.com/a", "https://nyc3.digitaloceanspaces.com/books/a"],
    ["https://books.s3.us-west-004.backblazeb2.com/a", "https://s3.us-west-004.backblazeb2.com/books/a"],
    ["https://books.s3.wasabisys.com/a", "https://s3.wasabisys.com/books/a"],
    ["https://books.s3.nl-ams.scw.cloud/a", "https://s3.nl-ams.scw.cloud/books/a"],
    ["https://books.us-east-1.linodeobjects.com/a", "https://us-east-1.linodeobjects.com/books/a"],
    ["https://books.fsn1.your-objectstorage.com/a", "https://fsn1.your-objectstorage.com/books/a"],
  ])("%s", (text, pathStyle) => {
    expect(addressAdvice(text)).toMatch(/has the bucket in the host's name/);
    expect(addressAdvice(text)?.endsWith(`write ${pathStyle}`)).toBe(true);
    expect(addressAdvice(pathStyle)).toBeUndefined();
  });
});

test("no advice repeats a password or a query, whatever is around it", () => {
  const words = fc.constantFrom(
    "http://",
    "https://",
    "s3://",
    "gs:",
    "file:",
    "/",
    "a",
    "data",
    "store:9000",
    ".s3.amazonaws.com",
    "~",
    "C:\\",
    "*",
    "?b",
  );
  const text = fc.array(words, { maxLength: 6 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(addressAdvice(`${before}?X-Amz-Signature=5ec4e7${after}`)).not.toContain("5ec4e7");
      expect(addressAdvice(`http://me:5ec4e7@${after}`)).not.toContain("5ec4e7");
      expect(addressAdvice(`me:5ec4e7@${after}`)).not.toContain("5ec4e7");
    }),
    { numRuns: 1000, seed: 6 },
  );
});

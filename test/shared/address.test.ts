import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AddressError,
  formatAddress,
  formatInput,
  joinAddress,
  keyOf,
  parseAddress,
  parseInput,
  withKey,
  type Address,
} from "../../shared/address.ts";

const s3 = (endpoint: string, bucket = "", key = ""): Address => ({ scheme: "s3", endpoint, bucket, key });
const file = (path: string): Address => ({ scheme: "file", path });
const local = "http://localhost:4750/cdn-cgi/local/r2/s3";

describe("parseAddress", () => {
  test.each<{ text: string; useSSL?: boolean; address: Address }>([
    { text: "http://store/bucket/key", address: s3("http://store", "bucket", "key") },
    { text: "HTTPS://Store/Bucket/Key", address: s3("https://store", "Bucket", "Key") },
    { text: "http://store:9000", address: s3("http://store:9000") },
    { text: "http://store:9000/", address: s3("http://store:9000") },
    { text: "http://store/bucket", address: s3("http://store", "bucket") },
    { text: "http://store/bucket/", address: s3("http://store", "bucket") },
    { text: "http://store/bucket/a/b/", address: s3("http://store", "bucket", "a/b/") },
    { text: "http://store/bucket//a", address: s3("http://store", "bucket", "/a") },
    { text: "http://store:80/b/k", address: s3("http://store", "b", "k") },
    { text: "http://[::1]:9000/b/k", address: s3("http://[::1]:9000", "b", "k") },
    { text: "store:9000/bucket/key", address: s3("http://store:9000", "bucket", "key") },
    { text: "store/bucket/key", useSSL: true, address: s3("https://store", "bucket", "key") },
    { text: "http://store/bucket/key", useSSL: true, address: s3("http://store", "bucket", "key") },
    { text: local, address: s3(local) },
    { text: `${local}/`, address: s3(local) },
    { text: `${local}/bucket/a/b`, address: s3(local, "bucket", "a/b") },
    { text: `${local}3/x`, address: s3("http://localhost:4750", "cdn-cgi", "local/r2/s33/x") },
    { text: "http://store/b/a%20b%2Fc%25", address: s3("http://store", "b", "a b/c%") },
    { text: "http://store/b/über ?*#", address: s3("http://store", "b", "über ?*#") },
    { text: "http://store/b/..a/.b/c..", address: s3("http://store", "b", "..a/.b/c..") },
    { text: "s3://bucket", address: s3("s3:/", "bucket") },
    { text: "s3://Bucket/a/b%20c*", address: s3("s3:/", "Bucket", "a/b c*") },
    { text: "S3://bucket//", useSSL: true, address: s3("s3:/", "bucket", "/") },
    { text: "s3://", address: s3("s3:/") },
    { text: "file:///data/a%20b/", address: file("/data/a b/") },
    { text: "file:///caf%E9.txt", address: file("/caf\udce9.txt") },
    { text: "file:///%C3%A9%e9%C3", address: file("/é\udce9\udcc3") },
    { text: "FILE://localhost/data", address: file("/data") },
    { text: "file:///", address: file("/") },
  ])("reads $text", ({ text, useSSL = false, address }) => {
    expect(parseAddress(text, useSSL)).toEqual(address);
  });

  test.each([
    ["ftp://bucket/key", "s3://"],
    ["s3:///key", "bucket"],
    ["s3://minio:9000/bucket/key", "http://host:port"],
    ["s3://me:secret@bucket/key", "credentials"],
    ["s3://bucket/../key", "'..'"],
    ["http:///bucket/key", "host"],
    ["http://ho st/b/k", "host"],
    ["http://host:99999/b/k", "host"],
    ["http://host?x=1", "host"],
    ["http://host#x", "host"],
    ["http://host\\b/k", "host"],
    ["http://me:secret@host/b/k", "credentials"],
    ["http://host/b/100%", "%25"],
    ["http://host/b%zz/k", "%25"],
    ["http://host/b/caf%E9", "UTF-8"],
    ["s3://b%E9/a", "UTF-8"],
    ["file:///100%", "%25"],
    ["http://host/b/a\nb", "control"],
    ["http://host//key", "bucket"],
    ["http://host/b/../other/k", "'..'"],
    ["http://host/b/a/%2e%2e", "'..'"],
    ["http://host/./k", "'.'"],
    ["http://host/b/\ud800", "Unicode"],
    ["file://host/data", "host"],
    ["file://", "file:///"],
    ["file:///data/../etc", "'..'"],
    ["file:///data/%2e%2e/etc", "'..'"],
    ["file:///data/%00", "NUL"],
  ])("refuses %j, naming %s", (text, cure) => {
    expect(() => parseAddress(text, false)).toThrow(AddressError);
    expect(() => parseAddress(text, false)).toThrow(cure);
  });

  test("does not repeat credentials in its errors", () => {
    expect(() => parseAddress("http://me:secret@host/b/k", false)).not.toThrow("secret");
  });
});

// oxlint-disable-next-line no-control-regex -- a key can contain them, but not every address does
const plain = (text: string): boolean => !/[\u0000]/.test(text) && text.isWellFormed();
const isSegment = (text: string): boolean => text !== "." && text !== "..";
const keys = fc
  .string({ unit: "grapheme", maxLength: 20 })
  .filter((key) => plain(key) && key.split("/").every(isSegment));
const buckets = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 9 })
  .filter((bucket) => plain(bucket) && isSegment(bucket));
const endpoints = fc.constantFrom("http://store", "https://store.example:8443", "s3:/", local);

describe("formatAddress", () => {
  test("is undone by parseAddress", () => {
    const addresses = fc.oneof(
      fc.record({ scheme: fc.constant("s3" as const), endpoint: endpoints, bucket: buckets, key: keys }),
      endpoints.map((endpoint) => s3(endpoint)),
      keys.map((path) => file(`/${path}`)),
    );
    fc.assert(
      fc.property(addresses, fc.boolean(), (address, useSSL) => {
        const text = formatAddress(address);
        expect(parseAddress(text, useSSL)).toEqual(address);
        // Nothing in it is a wildcard, whatever the key contains.
        expect(parseInput(text, useSSL).written).not.toMatch(/[*?[\]{}]/);
        expect(formatInput(parseInput(text, useSSL))).toBe(text);
      }),
      { seed: 1, numRuns: 500, examples: [[s3("http://store", "a/b", "//"), false]] },
    );
  });

  test("writes what a URL parser leaves unchanged", () => {
    const text = formatAddress(s3("http://store", "b", "a b/c?d#e%f/ü"));
    expect(new URL(text).href).toBe(text);
  });
});

describe("joinAddress", () => {
  test.each([
    [s3("http://s", "b"), "x", "http://s/b/x"],
    [s3("http://s", "b", "a"), "x/y", "http://s/b/a/x/y"],
    [s3("http://s", "b", "a/"), "x", "http://s/b/a/x"],
    [file("/data"), "x", "file:///data/x"],
    [file("/"), "x", "file:///x"],
  ])("%o + %s", (folder, name, url) => expect(formatAddress(joinAddress(folder, name))).toBe(url));
});

test("withKey and keyOf are inverses", () => {
  for (const address of [s3("http://s", "b", "a"), file("/a")]) {
    expect(keyOf(withKey(address, "/other"))).toBe("/other");
    expect(withKey(address, keyOf(address))).toEqual(address);
  }
});

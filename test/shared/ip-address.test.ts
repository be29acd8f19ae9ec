import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLoopback, refusedAddress, refusedHost } from "../../shared/ip-address.ts";

describe("a store cannot be at", () => {
  test.each([
    ["169.254.169.254", "link-local"],
    ["169.254.0.0", "link-local"],
    ["169.254.255.255", "link-local"],
    ["169.254.170.23", "link-local"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local"],
    ["febf:ffff::", "link-local"],
    ["0.0.0.0", "names no host"],
    ["0.1.2.3", "names no host"],
    ["::", "names no host"],
    ["0:0:0:0:0:0:0:0", "names no host"],
    ["224.0.0.1", "multicast"],
    ["239.255.255.255", "multicast"],
    ["ff02::1", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "reserved"],
    ["192.0.0.192", "reserved"],
    ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "reserved"],
    ["100.100.100.200", "cloud"],
    ["168.63.129.16", "cloud"],
    ["fd00:ec2::254", "cloud"],
    ["FD00:0EC2:0:0:0:0:0:254", "cloud"],
    ["fd00:ec2::23", "cloud"],
    ["fd20:ce::254", "cloud"],
    ["::ffff:169.254.169.254", "link-local"],
    ["::ffff:a9fe:a9fe", "link-local"],
    ["0:0:0:0:0:ffff:a9fe:a9fe", "link-local"],
    ["::ffff:0.0.0.0", "names no host"],
    ["::169.254.169.254", "link-local"],
    ["::ffff:0:a9fe:a9fe", "link-local"],
    ["64:ff9b::169.254.169.254", "link-local"],
    ["64:ff9b:1::a9fe:a9fe", "link-local"],
    ["64:ff9b::6464:64c8", "cloud"],
    ["2002:a9fe:a9fe::1", "link-local"],
    ["minio", "no IP address"],
    ["1.2.3", "no IP address"],
    ["1.2.3.256", "no IP address"],
    ["", "no IP address"],
    ["1:2", "no IP address"],
  ])("%s", (address, what) => {
    expect(refusedAddress(address)).toContain(what);
  });

  test("any link-local address, however it is written", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, (c, d) => {
        const low = ((c << 8) | d).toString(16);
        for (const text of [
          `169.254.${c}.${d}`,
          `::ffff:169.254.${c}.${d}`,
          `::ffff:a9fe:${low}`,
          `64:ff9b::a9fe:${low}`,
          `fe80::${low}`,
        ]) {
          expect(refusedAddress(text), text).toContain("link-local");
        }
      }),
    );
  });
});

test.each([
  "1.1.1.1",
  "10.0.0.1",
  "172.16.0.1",
  "192.168.1.1",
  "100.64.0.1",
  "100.100.100.201",
  "168.63.129.17",
  "169.253.255.255",
  "169.255.0.0",
  "192.0.1.1",
  "223.255.255.255",
  "127.0.0.1",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "64:ff9b::808:808",
  "2001:db8::1",
  "2001:4860:4860::8888",
  "2002:808:808::1",
  "fd12:3456::1",
  "fec0::1",
])("a store can be at %s", (address) => {
  expect(refusedAddress(address)).toBeUndefined();
});

test("loopback is recognized in every notation", () => {
  for (const address of ["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::127.1.1.1"]) {
    expect(isLoopback(address), address).toBe(true);
  }
  for (const address of ["128.0.0.1", "10.0.0.1", "::2", "::ffff:126.0.0.1", "localhost", ""]) {
    expect(isLoopback(address), address).toBe(false);
  }
});

describe("the host of a URL", () => {
  // WHATWG's URL normalizes every form of an IPv4 address
  test.each([
    "169.254.169.254",
    "2852039166",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.169.254.",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "0",
    "metadata.google.internal",
    "Metadata.Google.Internal.",
    "instance-data.ec2.internal",
  ])("is refused: %s", (host) => {
    expect(refusedHost(new URL(`http://${host}:80/`).hostname)).toMatch(/./);
  });

  test.each([
    "localhost",
    "127.1",
    "[::1]",
    "minio",
    "minio.storage.svc",
    "s3.eu-west-1.amazonaws.com",
    "fe80.example",
  ])("is not refused: %s", (host) => {
    expect(refusedHost(new URL(`http://${host}/`).hostname)).toBeUndefined();
  });
});

import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import * as asn1 from "../../helpers/kubernetes/asn1.ts";
import { selfSigned } from "../../helpers/kubernetes/certificate.ts";

// From X.690, and from the output of openssl.
test.each([
  [asn1.integer(Buffer.from([0])), "020100"],
  [asn1.integer(Buffer.from([0x7f])), "02017f"],
  [asn1.integer(Buffer.from([0x80])), "02020080"],
  [asn1.integer(Buffer.from([0, 0, 1, 0])), "02020100"],
  [asn1.boolean(true), "0101ff"],
  [asn1.objectId("2.5.4.3"), "0603550403"],
  [asn1.objectId("1.2.840.10045.4.3.2"), "06082a8648ce3d040302"],
  [asn1.bitString(Buffer.from([0x84]), 2), "03020284"],
  [asn1.utf8String("ä"), "0c02c3a4"],
  [asn1.generalizedTime(new Date("2026-01-02T03:04:05.678Z")), "180f32303236303130323033303430355a"],
  [asn1.tagged(0, asn1.integer(Buffer.from([2])), { constructed: true }), "a003020102"],
  [asn1.tagged(7, Buffer.from([127, 0, 0, 1]), { constructed: false }), "87047f000001"],
  [asn1.sequence(asn1.setOf(), asn1.octetString(Buffer.alloc(0))), "300431000400"],
  [asn1.octetString(Buffer.alloc(128)).subarray(0, 3), "048180"],
  [asn1.octetString(Buffer.alloc(256)).subarray(0, 4), "04820100"],
])("DER %#", (der, hex) => {
  expect(der.toString("hex")).toBe(hex);
});

test("A certificate is its own authority, and only valid for this machine", () => {
  const { certificate, key } = selfSigned();
  const read = new X509Certificate(certificate);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.ca).toBe(true);
  expect(read.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(read.checkHost("localhost")).toBe("localhost");
  expect(read.checkHost("example.com")).toBeUndefined();
  expect(read.validFromDate.getTime()).toBeLessThan(Date.now());
  expect(read.validToDate.getTime()).toBeGreaterThan(Date.now());
  expect(key).toContain("PRIVATE KEY");
});

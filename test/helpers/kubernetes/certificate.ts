import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import * as asn1 from "./asn1.ts";

/** A certificate and its key, both in PEM. */
export type Identity = { readonly certificate: string; readonly key: string };

const ids = {
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAltName: "2.5.29.17",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

const dayMs = 24 * 60 * 60 * 1000;

const nameOf = (commonName: string): Buffer =>
  asn1.sequence(asn1.setOf(asn1.sequence(asn1.objectId(ids.commonName), asn1.utf8String(commonName))));

const critical = (id: string, value: Buffer): Buffer =>
  asn1.sequence(asn1.objectId(id), asn1.boolean(true), asn1.octetString(value));

const ordinary = (id: string, value: Buffer): Buffer => asn1.sequence(asn1.objectId(id), asn1.octetString(value));

/** For a certificate that is both the server's and its own authority's. */
const extensions = (): Buffer[] => [
  critical(ids.basicConstraints, asn1.sequence(asn1.boolean(true))),
  // digitalSignature and keyCertSign: bits 0 and 5.
  critical(ids.keyUsage, asn1.bitString(Buffer.from([0b1000_0100]), 2)),
  ordinary(ids.extendedKeyUsage, asn1.sequence(asn1.objectId(ids.serverAuth))),
  ordinary(
    ids.subjectAltName,
    asn1.sequence(
      asn1.tagged(2, Buffer.from("localhost"), { constructed: false }),
      asn1.tagged(7, Buffer.from([127, 0, 0, 1]), { constructed: false }),
    ),
  ),
];

const pem = (label: string, der: Buffer): string =>
  [`-----BEGIN ${label}-----`, ...(der.toString("base64").match(/.{1,64}/g) ?? []), `-----END ${label}-----`, ""].join(
    "\n",
  );

/** Creates a self-signed certificate (X.509 version 3, RFC 5280) for `localhost` and 127.0.0.1. */
export const selfSigned = (): Identity => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = asn1.sequence(asn1.objectId(ids.ecdsaWithSha256));
  const name = nameOf("kubernetes");
  const now = Date.now();
  const version3 = asn1.tagged(0, asn1.integer(Buffer.from([2])), { constructed: true });
  const signed = asn1.sequence(
    version3,
    asn1.integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name,
    asn1.sequence(asn1.generalizedTime(new Date(now - dayMs)), asn1.generalizedTime(new Date(now + 30 * dayMs))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    asn1.tagged(3, asn1.sequence(...extensions()), { constructed: true }),
  );
  const signature = asn1.bitString(sign("sha256", signed, privateKey));
  return {
    certificate: pem("CERTIFICATE", asn1.sequence(signed, algorithm, signature)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
};

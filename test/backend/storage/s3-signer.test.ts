import { AwsV4Signer } from "aws4fetch";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { S3Signer } from "../../../backend/storage/s3-signer.ts";

/** The examples of "Signature Calculations for the Authorization Header" in Amazon S3's API reference. */
describe("Amazon's examples", () => {
  const credentials = { username: "AKIAIOSFODNN7EXAMPLE", password: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
  const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const signature = (method: string, path: string, headers: Record<string, string>): string => {
    const url = new URL(`https://examplebucket.s3.amazonaws.com${path}`);
    const now = new Date("2013-05-24T00:00:00Z");
    const signed = new S3Signer().sign({ method, url, headers }, credentials, "us-east-1", now);
    expect(signed["authorization"]).toContain(
      `Credential=${credentials.username}/20130524/us-east-1/s3/aws4_request, SignedHeaders=`,
    );
    return /Signature=(\w+)$/.exec(signed["authorization"] ?? "")?.[1] ?? "";
  };

  test("a PUT", () => {
    const headers = {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    };
    expect(signature("PUT", "/test%24file.text", headers)).toBe(
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
  });

  test("a GET of a bucket's lifecycle", () => {
    expect(signature("GET", "/?lifecycle", { "x-amz-content-sha256": nothing })).toBe(
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
  });

  test("a list", () => {
    expect(signature("GET", "/?max-keys=2&prefix=J", { "x-amz-content-sha256": nothing })).toBe(
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
  });
});

/** Encodes a URL's text as the client does. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);

const text = fc.string({
  unit: fc.constantFrom(...`a Z 0 - _ . ~ + / % & = ? # ' ( ) * ! $ , : ; @ [ ] ä ß 漢 😀`.split(" "), " ", "\t"),
});
const key = text.filter((name) => !/(^|\/)\.{1,2}(\/|$)/.test(name));
const query = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-zA-Z][\w-]*$/), text), { selector: ([name]) => name });
const header = fc.tuple(
  fc.constantFrom("range", "if-match", "content-type", "content-md5", "x-amz-meta-attempt", "x-amz-checksum-crc32"),
  fc.stringMatching(/^[\w ,;="/+-]*$/),
);
const endpoint = fc.constantFrom(
  "http://127.0.0.1:9000",
  "https://s3.eu-central-1.amazonaws.com",
  "https://s3.amazonaws.com",
  "https://0123456789abcdef.r2.cloudflarestorage.com",
  "https://s3.us-west-002.backblazeb2.com",
  "http://localhost:4750/cdn-cgi/local/r2/s3",
);
const credentials = fc.record(
  {
    username: fc.stringMatching(/^\w{1,20}$/),
    password: fc.string({ minLength: 1 }),
    sessionToken: fc.base64String({ minLength: 4 }),
  },
  { requiredKeys: ["username", "password"] },
);

test("signs as aws4fetch does", async () => {
  const signer = new S3Signer();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD"),
      endpoint,
      key,
      query,
      fc.array(header),
      credentials,
      fc.option(fc.constantFrom("eu-west-1", "auto"), { nil: undefined }),
      async (method, host, path, parameters, headers, { username, password, sessionToken }, region) => {
        const search = parameters.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
        const url = new URL(
          `${host}/bucket/${path.split("/").map(encode).join("/")}${search === "" ? "" : "?"}${search}`,
        );
        const sent = Object.fromEntries(headers.map(([name, value]) => [name, value.trim()]));
        const now = new Date("2026-03-04T05:06:07.890Z");
        const expected = await new AwsV4Signer({
          method,
          url: url.href,
          headers: sent,
          accessKeyId: username,
          secretAccessKey: password,
          service: "s3",
          datetime: "20260304T050607Z",
          ...(sessionToken === undefined ? {} : { sessionToken }),
          ...(region === undefined ? {} : { region }),
        }).sign();
        const { host: own, ...signed } = signer.sign(
          { method, url, headers: sent },
          { username, password, sessionToken },
          region,
          now,
        );
        expect(own).toBe(url.host);
        expect(signed).toEqual(Object.fromEntries(expected.headers.entries()));
      },
    ),
    { numRuns: 500 },
  );
});

import { once } from "node:events";
import { createSecureServer } from "node:http2";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { s3Store } from "../../../backend/storage/s3.ts";
import { ambientCredentials } from "../../../backend/storage/credentials.ts";
import { selfSigned } from "../../helpers/kubernetes/certificate.ts";

const trusted = getCACertificates("default");
const { certificate, key } = selfSigned();
const server = createSecureServer({ cert: certificate, key, allowHTTP1: true });
const versions: string[] = [];
let endpoint: string;

beforeAll(async () => {
  setDefaultCACertificates([...trusted, certificate]);
  server.on("request", (request, response) => {
    versions.push(request.httpVersion);
    request.resume();
    response.writeHead(200, { etag: '"tag"' }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the server has no port");
  endpoint = `https://localhost:${address.port}`;
});
afterAll(async () => {
  setDefaultCACertificates(trusted);
  server.close();
  await once(server, "close");
});

test("a store that offers HTTP/2 is used over HTTP/1.1", async () => {
  versions.length = 0;
  const store = s3Store({});
  await store.put({ scheme: "s3", endpoint, bucket: "bucket", key: "key" }, Buffer.from("x"));
  expect(versions).toEqual(["1.1"]);
});

test("a service that gives credentials and offers HTTP/2 is used over HTTP/1.1", async () => {
  versions.length = 0;
  const source = ambientCredentials({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint}/` }, { pause: async () => {} });
  await expect(source()).rejects.toMatchObject({ code: "MalformedAnswer" });
  expect(versions).toEqual(["1.1"]);
});

import { once } from "node:events";
import { createSecureServer } from "node:http2";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anyEndpoint } from "../../../backend/storage/endpoint-guard.ts";
import { openStore } from "../../../backend/storage/open.ts";
import { S3Sessions } from "../../../backend/storage/s3-sessions.ts";
import { bytesOf } from "./bytes.ts";
import type { S3Address } from "../../../shared/address.ts";
import type { Credentials } from "../../../shared/api/storage-access.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import { ambientCredentials } from "../../../backend/storage/credentials.ts";
import { selfSigned } from "../../helpers/kubernetes/certificate.ts";

const trusted = getCACertificates("default");
const { certificate, key } = selfSigned();
const server = createSecureServer({ cert: certificate, key, allowHTTP1: true });
const versions: string[] = [];
let endpoint: string;
let connections = 0;
let bytes = 0;

beforeAll(async () => {
  setDefaultCACertificates([...trusted, certificate]);
  server.on("request", (request, response) => {
    versions.push(request.httpVersion);
    request.resume();
    response.writeHead(200, { etag: '"tag"', "content-length": bytes });
    if (request.url.endsWith("/endless")) response.write("x");
    else response.end(Buffer.alloc(bytes));
  });
  server.on("secureConnection", () => connections++);
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

const at = (name: string): S3Address => ({ scheme: "s3", endpoint, bucket: "bucket", key: name });
const sessions = (): S3Sessions => new S3Sessions({ endpoints: anyEndpoint });
const one: Credentials = { username: "one", password: "secret" };
const two: Credentials = { username: "two", password: "secret" };

describe("sessions", () => {
  test("keep their connections between tasks, and an aborted task loses only its own", async () => {
    connections = 0;
    const kept = sessions();
    const task = (signal?: AbortSignal) => openStore({ session: kept.use([one, two])[0], fileRoots: [], signal });
    for (let tasks = 0; tasks < 9; tasks++) await task().put(at("key"), Buffer.from("x"));
    // A connection becomes free a moment after its answer has ended, so several can take turns.
    expect(connections).toBeLessThan(4);
    bytes = 2;
    const stopped = new Error("stopped");
    const controller = new AbortController();
    const aborted = task(controller.signal);
    const [body] = await Promise.all([aborted.read(at("endless")), task().put(at("key"), Buffer.from("x"))]);
    controller.abort(stopped);
    await expect(bytesOf(body)).rejects.toMatchObject({ cause: stopped });
    await expect(aborted.put(at("key"), Buffer.from("x"))).rejects.toBe(stopped);
    bytes = 0;
    for (let tasks = 0; tasks < 9; tasks++) await task().put(at("key"), Buffer.from("x"));
    expect(connections).toBeLessThan(6);
  });

  test("belong to their credentials, and are closed when a task has others", async () => {
    const kept = sessions();
    const [input, output] = kept.use([one, two]);
    expect(input).not.toBe(output);
    expect(kept.use([two, { ...one }])).toEqual([output, input]);
    expect(kept.use([two, two])).toEqual([output, output]);
    const closed = openStore({ session: input, fileRoots: [], pause: async () => {} });
    await expect(closed.put(at("key"), Buffer.from("x"))).rejects.toThrow("destroyed");
    const [renewed, anonymous] = kept.use([one, undefined]);
    expect(renewed).not.toBe(input);
    await openStore({ session: anonymous, fileRoots: [] }).put(at("key"), Buffer.from("x"));
  });
});

test("a credentials service that offers HTTP/2 is used over HTTP/1.1", async () => {
  versions.length = 0;
  const source = ambientCredentials({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint}/` }, { pause: async () => {} });
  await expect(source()).rejects.toMatchObject({ code: "MalformedAnswer" });
  expect(versions).toEqual(["1.1"]);
});

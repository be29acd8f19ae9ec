import { connect as connectTcp } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { buildConnector } from "undici";
import { fixedCredentials } from "../../../backend/storage/credentials.ts";
import { EndpointListSchema } from "../../../backend/storage/endpoint-list.ts";
import { guardedConnector } from "../../../backend/storage/endpoint-guard.ts";
import { isAws, movedBucket } from "../../../backend/storage/s3-aws.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import type { Credentials } from "../../../shared/api/storage-access.ts";
import type { S3Address } from "../../../shared/address.ts";
import { error, reply, startFaultServer, type FaultServer, type Reply } from "./fault-server.ts";

let server: FaultServer;
beforeEach(async () => {
  server = await startFaultServer();
});
afterEach(() => server.close());

/** Connects to the fault server, whatever the host. */
const toServer: buildConnector.connector = (_options, callback) => {
  const socket = connectTcp(Number(new URL(server.at.endpoint).port), "127.0.0.1");
  socket.once("connect", () => callback(null, socket)).once("error", (failure) => callback(failure, null));
};

const open = (credentials?: Credentials, connect = toServer) =>
  s3Store({ credentials: fixedCredentials(credentials), connect, pause: async () => undefined });

const at: S3Address = { scheme: "s3", endpoint: "http://s3.amazonaws.com", bucket: "bucket", key: "key" };
const moved =
  (status: number, region = "eu-west-1"): Reply =>
  (response, request) => {
    response.setHeader("x-amz-bucket-region", region);
    if (request.method === "HEAD") response.writeHead(status).end();
    else error(status, status === 307 ? "TemporaryRedirect" : "PermanentRedirect")(response, request);
  };
const asked = (): string[] =>
  server.headers.map(
    ({ host, authorization }, index) =>
      `${server.asked[index]} ${host} ${/\/\d{8}\/([^/]+)\//.exec(authorization ?? "")?.[1] ?? "unsigned"}`,
  );

describe("an AWS bucket in another region", () => {
  test.each([301, 307])("is found through the redirect, once per client: %i", async (status) => {
    server.replies.push(moved(status), reply(200), reply(200));
    const store = open({ username: "id", password: "secret" });
    await store.put(at, Buffer.from("x"));
    await store.put(at, Buffer.from("y"));
    expect(asked()).toEqual([
      "PUT /bucket/key s3.amazonaws.com us-east-1",
      "PUT /bucket/key s3.eu-west-1.amazonaws.com eu-west-1",
      "PUT /bucket/key s3.eu-west-1.amazonaws.com eu-west-1",
    ]);
    expect(server.bodies).toEqual(["x", "x", "y"]);
  });

  test("is found through HEAD, without credentials, and with credentials for a wrong region", async () => {
    server.replies.push(moved(301), reply(200, "", { etag: '"e"' }), moved(301), reply(200));
    expect(await open().head(at)).toMatchObject({ address: at });
    await open({ username: "id", password: "secret", region: "us-west-2" }).put(at, Buffer.from("x"));
    expect(asked()).toEqual([
      "HEAD /bucket/key s3.amazonaws.com unsigned",
      "HEAD /bucket/key s3.eu-west-1.amazonaws.com unsigned",
      "PUT /bucket/key s3.amazonaws.com us-west-2",
      "PUT /bucket/key s3.eu-west-1.amazonaws.com eu-west-1",
    ]);
  });

  test("is not followed from one region to another", async () => {
    server.replies.push(moved(301), moved(301, "eu-west-2"));
    await expect(open().put(at, Buffer.from("x"))).rejects.toMatchObject({ code: "PermanentRedirect" });
    expect(server.asked).toHaveLength(2);
  });

  test("is not contacted if STORAGE_ENDPOINTS does not allow its endpoint", async () => {
    const allowed = EndpointListSchema.parse("s3.amazonaws.com");
    const guarded = guardedConnector({ allowed, loopback: true }, (_host, _options, callback) => callback(null, []));
    const guard: buildConnector.connector = (options, callback) =>
      (options.hostname === "s3.amazonaws.com" ? toServer : guarded)(options, callback);
    server.replies.push(moved(301));
    await expect(open(undefined, guard).put(at, Buffer.from("x"))).rejects.toMatchObject({
      code: "EndpointRefused",
      message: expect.stringContaining("s3.eu-west-1.amazonaws.com"),
    });
  });
});

const place = (endpoint: string, status = 301, region = "eu-west-1") =>
  movedBucket(endpoint, { status, headers: new Map([["x-amz-bucket-region", region]]) });

describe("the new location of a moved bucket", () => {
  test.each([
    ["https://s3.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"],
    ["https://s3.us-west-2.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"],
    ["https://s3-us-west-2.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"],
    ["https://s3.dualstack.us-west-2.amazonaws.com", "https://s3.dualstack.eu-west-1.amazonaws.com"],
    ["https://s3-fips.us-east-1.amazonaws.com", "https://s3-fips.eu-west-1.amazonaws.com"],
    ["https://s3-fips.dualstack.us-east-1.amazonaws.com", "https://s3-fips.dualstack.eu-west-1.amazonaws.com"],
    ["https://s3.cn-north-1.amazonaws.com.cn", "https://s3.eu-west-1.amazonaws.com.cn"],
    ["https://s3.eusc-de-east-1.amazonaws.eu", "https://s3.eu-west-1.amazonaws.eu"],
  ])("%s", (endpoint, to) => {
    expect(place(endpoint)).toEqual({ endpoint: to, region: "eu-west-1" });
  });

  test.each([
    ["no endpoint of AWS", "https://s3.example.com", 301, "eu-west-1"],
    ["a host that only ends alike", "https://s3.evilamazonaws.com", 301, "eu-west-1"],
    ["another port", "https://s3.amazonaws.com:8443", 301, "eu-west-1"],
    ["no redirect", "https://s3.amazonaws.com", 403, "eu-west-1"],
    ["another redirect", "https://s3.amazonaws.com", 302, "eu-west-1"],
    ["no region", "https://s3.amazonaws.com", 301, "eu.west/1"],
    ["the same place", "https://s3.eu-west-1.amazonaws.com", 301, "eu-west-1"],
  ])("is unknown for %s", (_name, endpoint, status, region) => {
    expect(place(endpoint, status, region)).toBeUndefined();
  });
});

test("endpoints of every partition belong to AWS, and of no domain that is only written alike", () => {
  const hosts = [
    "s3.us-east-1.amazonaws.com",
    "bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com",
    "s3.cn-north-1.amazonaws.com.cn",
    "s3.eusc-de-east-1.amazonaws.eu",
    "s3.us-iso-east-1.c2s.ic.gov",
    "s3.evilamazonaws.com",
    "s3.amazonaws.community",
    "s3.us-iso-east-1.c2sxic.gov",
  ];
  expect(hosts.filter((host) => isAws(`https://${host}`))).toEqual(hosts.slice(0, 5));
});

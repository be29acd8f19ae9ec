import type { LookupAddress } from "node:dns";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { attemptError } from "../../../backend/runner/attempt-failure.ts";
import { guardedConnector, type EndpointPolicy, type Resolve } from "../../../backend/storage/endpoint-guard.ts";
import { EndpointListSchema } from "../../../backend/storage/endpoint-list.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import { reply, startFaultServer, type FaultServer } from "./fault-server.ts";

let server: FaultServer;
let resolved: string[];
let pauses: number;

beforeEach(async () => {
  server = await startFaultServer();
  resolved = [];
  pauses = 0;
});
afterEach(() => server.close());

const family = (address: string): LookupAddress => ({ address, family: address.includes(":") ? 6 : 4 });

/** Resolves to one set of addresses after another, and then always to the last one. */
const answering =
  (...answers: readonly (readonly string[])[]): Resolve =>
  (hostname, _options, callback) => {
    const answer = answers[Math.min(resolved.length, answers.length - 1)] ?? [];
    resolved.push(hostname);
    setImmediate(() => callback(null, answer.map(family)));
  };

const port = (): string => new URL(server.at.endpoint).port;

const pause = async (): Promise<void> => void pauses++;

/** Writes to the store at a host, on the server's port. */
const put = async (host: string, policy: EndpointPolicy, resolve?: Resolve, scheme = "http"): Promise<void> => {
  const store = s3Store({ connect: guardedConnector(policy, resolve), pause });
  await store.put({ ...server.at, endpoint: `${scheme}://${host}:${port()}` }, Buffer.from("x"));
};

const allowed = (list: string, loopback = false): EndpointPolicy => ({
  allowed: EndpointListSchema.parse(list),
  loopback,
});
const laptop: EndpointPolicy = { loopback: true };
const pod: EndpointPolicy = { loopback: false };

/** The error of a put that must not reach anything. */
const refusal = async (...putting: Parameters<typeof put>): Promise<string> => {
  const error: unknown = await put(...putting).then(
    () => new Error("it was dialled"),
    (thrown: unknown) => thrown,
  );
  expect(server.asked).toEqual([]);
  expect(pauses, "tries after the first").toBe(0);
  const { code, message, final } = attemptError(error);
  expect({ code, final }, message).toEqual({ code: "EndpointRefused", final: true });
  expect(message).toContain(`${putting[0]}:${port()}/bucket/key: cannot use `);
  return message;
};

describe("an address that cannot be a store's", () => {
  test.each([
    ["169.254.169.254", "it is a link-local address"],
    ["[fe80::1]", "it is a link-local address"],
    ["[fd00:ec2::254]", "it is an address at which a cloud"],
    ["[::ffff:a9fe:a9fe]", "it is a link-local address"],
    ["0.0.0.0", "it is an address that names no host"],
    ["[::]", "it is an address that names no host"],
    ["metadata.google.internal", "it is the name of a cloud's metadata"],
  ])("is refused if it is named directly: %s", async (host, why) => {
    expect(await refusal(host, laptop)).toContain(why);
    expect(await refusal(host, laptop, undefined, "https")).toContain(why);
    expect(await refusal(host, allowed(host, true))).toContain(why);
  });

  test.each([
    ["169.254.169.254"],
    ["::ffff:169.254.169.254"],
    ["fe80::1%lo"],
    ["fd00:ec2::254"],
    ["0.0.0.0"],
    ["::"],
    ["224.0.0.1"],
    ["64:ff9b::a9fe:a9fe"],
    ["169.254.169.254", "fe80::1"],
  ])("is refused if a name resolves to it: %s", async (...found) => {
    const message = await refusal("store.example", laptop, answering(found));
    for (const address of found) expect(message).toContain(`${address}, a`);
    await refusal("store.example", allowed("store.example", true), answering(found));
    await refusal("store.example", laptop, answering(found), "https");
  });

  test("is skipped if the name also resolves to another address", async () => {
    server.replies.push(reply(200));
    await put("store.example", laptop, answering(["169.254.169.254", "fe80::1", "127.0.0.1"]));
    expect(server.asked).toHaveLength(1);
  });
});

describe("a name", () => {
  test("is resolved once per connection, which goes to the address that was checked", async () => {
    server.replies.push(reply(200));
    await put("store.example", laptop, answering(["127.0.0.1"], ["169.254.169.254"]));
    expect(server.asked).toEqual(["PUT /bucket/key"]);
    expect(server.headers[0]?.host).toBe(`store.example:${port()}`);
    expect(resolved).toEqual(["store.example"]);
  });

  test("that resolves to another address for the next connection is refused then", async () => {
    const store = s3Store({
      connect: guardedConnector(laptop, answering(["127.0.0.1"], ["169.254.169.254"])),
      pause: async () => undefined,
    });
    const at = { ...server.at, endpoint: `http://store.example:${port()}` };
    server.replies.push((response) => void response.socket?.destroy());
    await expect(store.put(at, Buffer.from("x"))).rejects.toMatchObject({ code: "EndpointRefused" });
    expect(server.asked).toHaveLength(1);
    expect(resolved).toHaveLength(2);
  });
});

describe("a loopback address", () => {
  test("can be a store's on a single machine", async () => {
    server.replies.push(reply(200), reply(200));
    await put("127.0.0.1", laptop);
    await put("store.example", laptop, answering(["127.0.0.1"]));
    expect(server.asked).toHaveLength(2);
  });

  test.each(["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])("is refused in a pod: %s", async (host) => {
    expect(await refusal(host, pod)).toContain("it is a loopback address, the runner's own");
  });

  test.each([["127.0.0.1"], ["::1"], ["127.9.9.9", "::1"]])(
    "is refused in a pod if a name resolves to it: %s",
    async (...found) => {
      expect(await refusal("store.example", pod, answering(found))).toContain(`it leads to ${found[0]}, a loopback`);
      await refusal("store.example", allowed("*.example"), answering(found));
    },
  );

  test("is accepted in a pod if its host is allowed", async () => {
    server.replies.push(reply(200), reply(200));
    await put("127.0.0.1", allowed("127.0.0.1"));
    await put("store.example", allowed(`*.example, store.example:${port()}`), answering(["127.0.0.1"]));
    expect(server.asked).toHaveLength(2);
  });
});

describe("if only some endpoints are allowed", () => {
  test("others are not even resolved", async () => {
    const message = await refusal(
      "store.example",
      allowed("minio:9000, *.other.example", true),
      answering(["127.0.0.1"]),
    );
    expect(message).toContain(
      "not among the endpoints that are allowed here, STORAGE_ENDPOINTS: minio:9000, *.other.example",
    );
    expect(resolved).toEqual([]);
    await refusal("127.0.0.1", allowed("minio", true));
    await refusal("127.0.0.1", allowed("127.0.0.1:1", true));
  });

  test("those are used", async () => {
    server.replies.push(reply(200), reply(200));
    await put("store.example", allowed(`*.example:${port()}`, true), answering(["127.0.0.1"]));
    await put("127.0.0.1", allowed("127.0.0.1"));
    expect(server.asked).toHaveLength(2);
  });
});

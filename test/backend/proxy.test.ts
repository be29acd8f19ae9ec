import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Link } from "../../backend/link.ts";
import { proxyFor } from "../../backend/proxy.ts";
import { EndpointListSchema } from "../../backend/storage/endpoint-list.ts";
import type { EndpointPolicy } from "../../backend/storage/endpoint-guard.ts";
import { s3Store } from "../../backend/storage/s3.ts";
import type { Store } from "../../backend/storage/store.ts";
import { AgentAnswerSchema, AgentNoticeSchema } from "../../shared/protocol/agent.ts";

describe("the proxy of an address", () => {
  const both = { HTTP_PROXY: "http://plain:1", HTTPS_PROXY: "http://secure:2" };

  test.each([
    ["http://a.example/x", both, "http://plain:1/"],
    ["ws://a.example/x", both, "http://plain:1/"],
    ["https://a.example/x", both, "http://secure:2/"],
    ["wss://a.example/x", both, "http://secure:2/"],
    ["https://a.example/x", { ...both, https_proxy: "lower:3" }, "http://lower:3/"],
    ["https://a.example/x", { HTTP_PROXY: "http://plain:1" }, undefined],
    ["https://a.example/x", { HTTPS_PROXY: "" }, undefined],
    ["https://a.example/x", { ...both, NO_PROXY: "*" }, undefined],
    ["https://a.example/x", { ...both, NO_PROXY: "b.example, a.example" }, undefined],
    ["https://x.a.example/x", { ...both, no_proxy: "a.example" }, undefined],
    ["https://x.a.example/x", { ...both, NO_PROXY: ".a.example" }, undefined],
    ["https://x.a.example/x", { ...both, NO_PROXY: "*.a.example" }, undefined],
    ["https://a.example/x", { ...both, NO_PROXY: ".a.example" }, "http://secure:2/"],
    ["https://ba.example/x", { ...both, NO_PROXY: "a.example" }, "http://secure:2/"],
    ["https://a.example/x", { ...both, NO_PROXY: "a.example:443" }, undefined],
    ["https://a.example:8443/x", { ...both, NO_PROXY: "a.example:443" }, "http://secure:2/"],
    ["http://10.1.2.3/x", { ...both, NO_PROXY: "10.0.0.0/8" }, undefined],
    ["http://11.1.2.3/x", { ...both, NO_PROXY: "10.0.0.0/8" }, "http://plain:1/"],
    ["http://10.1.2.3:9000/x", { ...both, NO_PROXY: "10.1.2.3" }, undefined],
    ["http://[2001:db8::1]/x", { ...both, NO_PROXY: "2001:db8::/32" }, undefined],
    ["http://[2001:db8::1]/x", { ...both, NO_PROXY: "2001:db8::1" }, undefined],
    ["http://[2001:db9::1]/x", { ...both, NO_PROXY: "2001:db8::/32" }, "http://plain:1/"],
    ["http://localhost:4750/x", both, undefined],
    ["http://127.0.0.1/x", both, undefined],
    ["http://[::1]/x", both, undefined],
    ["http://169.254.170.2/x", both, undefined],
  ])("%s with %o: %s", (url, environment, expected) => {
    expect(proxyFor(new URL(url), environment)).toBe(expected);
  });

  test("must be an HTTP proxy, and the error does not reveal its address", () => {
    const wrong = { HTTP_PROXY: "socks5://user:secret@host:1" };
    expect(() => proxyFor(new URL("http://a.example/"), wrong)).toThrow(/^HTTP_PROXY is no URL of an HTTP proxy$/);
  });
});

let proxy: Server;
let asked: string[];

beforeAll(async () => {
  proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? ""}`.trim());
    request.resume();
    response.writeHead(200).end();
  });
  proxy.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
});
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await once(proxy, "close");
});
beforeEach(() => {
  asked = [];
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new TypeError("the proxy has no port");
  for (const name of ["http_proxy", "https_proxy", "no_proxy", "NO_PROXY"]) vi.stubEnv(name, "");
  vi.stubEnv("HTTP_PROXY", `http://user:pass@127.0.0.1:${address.port}`);
  vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${address.port}`);
});
afterEach(() => vi.unstubAllEnvs());

const storeOf = (endpoints?: EndpointPolicy): Store => s3Store({ endpoints, pause: async () => {} });
const put = (endpoint: string, store = storeOf()): Promise<void> =>
  store.put({ scheme: "s3", endpoint, bucket: "bucket", key: "key" }, Buffer.from("x"));

describe("a store behind a proxy", () => {
  test("is accessed through it", async () => {
    await put("http://store.example");
    expect(asked).toEqual([`PUT http://store.example/bucket/key Basic ${btoa("user:pass")}`]);
    await expect(put("https://store.example")).rejects.toThrow();
    expect(asked[1]).toBe("CONNECT store.example:443");
  });

  test.each([
    ["http://metadata.google.internal", undefined],
    ["http://169.254.169.254", undefined],
    ["http://127.0.0.1:1", { loopback: false }],
    ["http://store.example", { loopback: true, allowed: EndpointListSchema.parse("other.example") }],
  ] as const)("is checked by its name and by a literal address: %s", async (endpoint, policy) => {
    await expect(put(endpoint, storeOf(policy))).rejects.toMatchObject({ code: "EndpointRefused" });
    expect(asked).toEqual([]);
  });
});

test("a link uses a proxy", async () => {
  const link = new Link({
    url: "wss://worker.example/link",
    token: () => "token",
    answerSchema: AgentAnswerSchema,
    noticeSchema: AgentNoticeSchema,
    hello: () => ({ kind: "removed", jobId: "j" }) as const,
    onWelcome: () => undefined,
    onNotice: () => undefined,
    log: () => undefined,
  });
  await vi.waitUntil(() => asked.length > 0);
  await link.close();
  expect(asked[0]).toBe("CONNECT worker.example:443");
});

import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fixedCredentials } from "../../../backend/storage/credentials.ts";
import { S3Session } from "../../../backend/storage/s3-session.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import type { S3Address } from "../../../shared/address.ts";
import type { Credentials } from "../../../shared/api/storage-access.ts";
import { StorageError, type Store } from "../../../backend/storage/store.ts";
import { all, bytesOf } from "./bytes.ts";
import {
  content,
  endless,
  error,
  reply,
  reset,
  startFaultServer,
  type FaultServer,
  type Reply,
} from "./fault-server.ts";

let server: FaultServer;
let pauses: number[];
let store: Store;

const open = (credentials?: Credentials): Store =>
  s3Store({
    credentials: fixedCredentials(credentials),
    pause: async (ms) => {
      pauses.push(ms);
    },
  });

beforeEach(async () => {
  server = await startFaultServer();
  pauses = [];
  store = open();
});
afterEach(() => server.close());

describe("a transient failure", () => {
  test.each([
    ["500", error(500, "InternalError")],
    ["502 of a proxy", reply(502, "<html>bad gateway</html>")],
    ["a reset", reset],
    ["RequestTimeout under 400", error(400, "RequestTimeout")],
  ])("is retried: %s", async (_name, fault) => {
    server.replies.push(fault, fault, reply(200, "", { etag: '"tag"' }));
    await store.put(server.at, Buffer.from("x"));
    expect(server.asked).toEqual(Array.from({ length: 3 }, () => "PUT /bucket/key"));
    expect(pauses).toHaveLength(2);
  });

  test("is given up after six attempts, with the store's code", async () => {
    for (let tries = 0; tries < 9; tries++) server.replies.push(error(500, "InternalError"));
    await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject({
      name: "StorageError",
      code: "InternalError",
      message: `${server.at.endpoint}/bucket/key: because of InternalError (InternalError)`,
    });
    expect(server.asked).toHaveLength(6);
    expect(pauses).toHaveLength(5);
  });

  test("is given up later if the store has worked before", async () => {
    server.replies.push(reply(200));
    await store.put(server.at, Buffer.from("x"));
    for (let tries = 0; tries < 20; tries++) server.replies.push(error(500, "InternalError"));
    await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject({ code: "InternalError" });
    expect(server.asked).toHaveLength(1 + 12);
  });

  test("is not waited for after an abort", async () => {
    const controller = new AbortController();
    const stopped = new Error("stopped");
    const waiting = s3Store({
      signal: controller.signal,
      pause: async (_ms, signal) => {
        controller.abort(stopped);
        signal?.throwIfAborted();
      },
    });
    server.replies.push(error(503, "SlowDown"));
    await expect(waiting.put(server.at, Buffer.from("x"))).rejects.toBe(stopped);
    expect(server.asked).toHaveLength(1);
  });
});

describe("throttling", () => {
  test.each([
    ["503 SlowDown", error(503, "SlowDown")],
    ["503 of a proxy", reply(503)],
    ["429", reply(429)],
    ["SlowDown under 400", error(400, "RequestLimitExceeded")],
  ])("is retried for two minutes: %s", async (_name, fault) => {
    const waiting = Array.from({ length: 200 }, () => fault);
    server.replies.push(...waiting);
    const failure: unknown = await store.put(server.at, Buffer.from("x")).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ class: "throttled" });
    // Waits of 0.5 s on average, doubled up to 20 s, half of it jitter: six to reach the maximum, then about twelve.
    const asked = server.asked.length;
    expect(asked).toBeGreaterThan(8);
    const waited = pauses.reduce((sum, pause) => sum + pause, 0);
    expect(waited).toBeGreaterThan(120_000);
    server.replies.splice(0, Infinity, ...Array.from({ length: 8 }, () => fault), reply(200));
    await store.put(server.at, Buffer.from("x"));
    expect(server.asked).toHaveLength(asked + 9);
  });

  test.each([
    ["7", 7_000],
    [new Date(Date.now() + 3_600_000).toUTCString(), 60_000],
    ["86400", 60_000],
  ])("waits as long as the store asks for, within limits: %s", async (after, expected) => {
    server.replies.push(reply(503, "", { "retry-after": after }), reply(200));
    await store.put(server.at, Buffer.from("x"));
    expect(pauses[0]).toBe(expected);
  });

  test("slows down all concurrent requests of the client, but to no other endpoint", async () => {
    const puts = (count: number, at = server.at): Promise<void[]> =>
      Promise.all(Array.from({ length: count }, () => store.put(at, Buffer.from("x"))));
    server.replies.push(...Array.from({ length: 32 }, () => reply(200)));
    await puts(32);
    expect(pauses).toEqual([]);
    server.replies.push(reply(503), ...Array.from({ length: 32 }, () => reply(200)));
    await puts(1);
    pauses.length = 0;
    await puts(31);
    expect(pauses.length).toBeGreaterThan(25);
    expect(Math.max(...pauses)).toBeGreaterThan(500);
    const other = await startFaultServer();
    pauses.length = 0;
    other.replies.push(reply(200));
    await puts(1, other.at);
    await other.close();
    expect(pauses).toEqual([]);
  });
});

describe("a response that indicates a wrong address", () => {
  test.each([
    ["NoSuchBucket", 404],
    ["InvalidAccessKeyId", 403],
  ])("is permanent if the store has never answered, and can be transient later: %s", async (code, status) => {
    server.replies.push(error(status, code));
    await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject({ code, class: "refused" });
    server.replies.push(reply(200), error(status, code), error(status, code), reply(200));
    await store.put(server.at, Buffer.from("x"));
    await store.put(server.at, Buffer.from("x"));
    expect(server.asked).toHaveLength(5);
    server.replies.push(...Array.from({ length: 20 }, () => error(status, code)));
    await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject({ code, class: "unreachable" });
  });

  test("can be transient once a plan has shown that the stores work", async () => {
    const later = s3Store({ areProven: true, pause: async () => undefined });
    server.replies.push(error(404, "NoSuchBucket"), reply(200));
    await later.put(server.at, Buffer.from("x"));
    const unnamed = { ...server.at, endpoint: "http://store.invalid" };
    await expect(later.put(unnamed, Buffer.from("x"))).rejects.toMatchObject({ class: "unreachable" });
    await expect(store.put(unnamed, Buffer.from("x"))).rejects.toMatchObject({ code: "ENOTFOUND", class: "refused" });
  });
});

test.each([
  ["403", error(403, "SignatureDoesNotMatch"), "SignatureDoesNotMatch"],
  ["501", error(501, "NotImplemented"), "NotImplemented"],
  ["a redirect", reply(307, "", { location: "http://127.0.0.1:1/" }), "TemporaryRedirect"],
  ["what S3 would not answer", reply(418, "teapot"), "Http418"],
])("permanent failures are reported at once: %s", async (_name, fault, code) => {
  server.replies.push(fault);
  await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject({ code });
  expect(server.asked).toHaveLength(1);
});

test("an error with status 200 is not a success, whatever the request", async () => {
  const fault = error(200, "InternalError");
  const lasting = error(200, "AccessDenied");
  server.replies.push(fault, reply(200), lasting, lasting, lasting);
  await store.put(server.at, Buffer.from("x"));
  expect(server.asked).toHaveLength(2);
  await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject({ code: "AccessDenied" });
  await expect(store.uploadPart(server.at, "id", 1, Buffer.from("x"))).rejects.toMatchObject({ code: "AccessDenied" });
  await expect(store.abortUpload(server.at, "id")).rejects.toMatchObject({ code: "AccessDenied" });
});

/** The error of a put that is answered with these replies. */
const said = async (...faults: readonly Reply[]): Promise<{ code: string; message: string }> => {
  server.replies.push(...faults);
  const thrown: unknown = await store.put(server.at, Buffer.from("x")).catch((failure: unknown) => failure);
  if (!(thrown instanceof StorageError)) throw new Error("it was no refusal", { cause: thrown });
  return thrown;
};

describe("an answer that is not S3's", () => {
  const secret = "the-secret-of-another-service";

  test.each([
    ["a page", reply(404, `<html><title>${secret}</title></html>`), "NotFound"],
    ["a page that mentions an error", reply(403, `<html><Error/>${secret}</html>`), "AccessDenied"],
    ["JSON", reply(403, JSON.stringify({ Code: "Secret", Message: secret })), "AccessDenied"],
    ["text", reply(400, `token=${secret}`), "BadRequest"],
    ["a code that is none", reply(400, `<Error><Code>${secret} ${secret}</Code></Error>`), "BadRequest"],
    ["XML of another kind", reply(401, `<Error><Reason>${secret}</Reason></Error>`), "Unauthorized"],
    ["XML after much else", reply(400, `${" ".repeat(100_000)}<Error><Code>${secret}</Code></Error>`), "BadRequest"],
  ])("is not shown: %s", async (_name, fault, code) => {
    const failure = await said(fault);
    expect(failure).toMatchObject({ code, message: expect.stringContaining("no reason that S3 would give") });
    expect(failure.message).not.toContain(secret);
  });

  test("is not shown if the protocol is a different one", async () => {
    const other = createServer((socket) => void socket.end(`220 ${secret} ESMTP\r\n`));
    await once(other.listen(0, "127.0.0.1"), "listening");
    const address = other.address();
    if (address === null || typeof address === "string") throw new TypeError("the server has no port");
    try {
      const at = { ...server.at, endpoint: `http://127.0.0.1:${address.port}` };
      const thrown: unknown = await store.put(at, Buffer.from("x")).catch((failure: unknown) => failure);
      expect(thrown).toBeInstanceOf(StorageError);
      expect(String(thrown)).not.toContain(secret);
    } finally {
      other.close();
    }
  });

  test("is not read to the end, which it may not have", async () => {
    let sent = 0;
    const fault = endless(403, Buffer.alloc(64 * 1024, "x"), (bytes) => {
      sent += bytes;
    });
    expect((await said(fault)).code).toBe("AccessDenied");
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  test("of a store's message, only a limited part is shown, on one line", async () => {
    const long = `first\r\nsecond\u0007${"x".repeat(5000)}`;
    const { code, message } = await said(reply(403, `<Error><Code>No</Code><Message>${long}</Message></Error>`));
    expect(code).toBe("No");
    expect(message).toMatch(/: first second x{500,1000}… \(No\)$/);
  });

  test("an endless list is given up", async () => {
    server.replies.push(endless(200, Buffer.from("<ListBucketResult>".repeat(10_000)), () => undefined));
    await expect(all(store.list(server.at))).rejects.toMatchObject({
      code: "MalformedAnswer",
      message: expect.stringContaining("8 MiB"),
    });
  });
});

/** The last page of a list, with one key. */
const listing = (key: string): Reply =>
  reply(
    200,
    `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>${key}</Key><Size>1</Size><ETag>e</ETag></Contents></ListBucketResult>`,
  );

describe("a list", () => {
  test("is rejected if it contains other keys than requested: its objects might be removed", async () => {
    const folder = { ...server.at, key: ".edgefold/job/" };
    server.replies.push(listing(".edgefold/job/m-0"), listing("data/precious"), listing(".edgefold/job"));
    expect(await all(store.list(folder))).toHaveLength(1);
    await expect(all(store.list(folder))).rejects.toMatchObject({ code: "MalformedAnswer" });
    await expect(all(store.list(folder))).rejects.toMatchObject({ code: "MalformedAnswer" });
  });

  test.each(["out/../secret", "out/..", "out/./x"])(
    "can contain a key that no request can name, which is reported: %s",
    async (key) => {
      server.replies.push(listing(key));
      const [found] = await all(store.list({ ...server.at, key: "out/" }));
      expect(found?.address).toMatchObject({ key });
      const named = { ...server.at, key };
      for (const work of [() => store.read(named), () => store.put(named, Buffer.from("x")), () => store.head(named)]) {
        await expect(work()).rejects.toMatchObject({ code: "InvalidKey" });
      }
      expect(server.asked).toHaveLength(1);
    },
  );
});

describe("a redirect", () => {
  let other: FaultServer;
  beforeEach(async () => {
    other = await startFaultServer();
  });
  afterEach(() => other.close());

  test.each([
    [301, "PermanentRedirect"],
    [302, "TemporaryRedirect"],
    [303, "TemporaryRedirect"],
    [307, "TemporaryRedirect"],
    [308, "PermanentRedirect"],
  ])("is not followed, whatever the request: %i", async (status, code) => {
    const redirect = reply(status, "", { location: `${other.at.endpoint}/bucket/key?secret` });
    const failure = {
      code,
      message:
        `${server.at.endpoint}/bucket/key: the store answered with status ${status}, ` +
        `a redirect to ${other.at.endpoint}, which is not followed (${code})`,
    };
    server.replies.push(...Array.from({ length: 9 }, () => redirect));
    await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject(failure);
    await expect(store.head(server.at)).rejects.toMatchObject(failure);
    await expect(store.read(server.at)).rejects.toMatchObject(failure);
    await expect(store.createUpload(server.at, "a")).rejects.toMatchObject(failure);
    await expect(all(store.list(server.at))).rejects.toMatchObject({ code });
    expect(other.asked).toEqual([]);
  });

  test("to an invalid address is reported without it", async () => {
    server.replies.push(reply(302, "", { location: "javascript:alert(1)" }));
    await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject({
      message: expect.stringMatching(/status 302, a redirect, which is not followed/),
    });
  });

  test("of S3 names the endpoint and the region of the bucket", async () => {
    const to = "<Endpoint>bucket.s3.eu-west-1.amazonaws.com</Endpoint>";
    const moved: Reply = (response, request) => {
      response.setHeader("x-amz-bucket-region", "eu-west-1");
      error(301, "PermanentRedirect", to)(response, request);
    };
    server.replies.push(moved);
    await expect(store.put(server.at, Buffer.from("x"))).rejects.toMatchObject({
      code: "PermanentRedirect",
      message: expect.stringMatching(
        /because of PermanentRedirect; .*endpoint bucket\.s3\.eu-west-1\.amazonaws\.com.* region eu-west-1 \(Perm/,
      ),
    });
    expect(server.asked).toHaveLength(1);
  });

  test("of S3 does not name an invalid endpoint", async () => {
    server.replies.push(error(301, "PermanentRedirect", `<Endpoint>${"x y".repeat(400)}</Endpoint>`));
    const thrown: unknown = await store.put(server.at, Buffer.from("x")).catch((failure: unknown) => failure);
    expect(String(thrown)).not.toContain("x y");
  });
});

test("a wrong region is reported with the right one", async () => {
  const wrong = error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>");
  server.replies.push(wrong, wrong);
  const failing = open({ username: "u", password: "p", region: "us-east-1" }).put(server.at, Buffer.from("x"));
  await expect(failing).rejects.toMatchObject({
    code: "AuthorizationHeaderMalformed",
    message: expect.stringContaining("region eu-west-1"),
  });
  expect(server.asked).toHaveLength(1);
});

describe("the network", () => {
  test("names the host that refuses connections", async () => {
    const at = { ...server.at, endpoint: "http://127.0.0.1:1" };
    await expect(store.head(at)).rejects.toMatchObject({
      code: "ECONNREFUSED",
      message: expect.stringContaining("cannot use 127.0.0.1:1"),
    });
    expect(pauses).toHaveLength(5);
  });

  test("names the host that does not exist", async () => {
    const at = { ...server.at, endpoint: "http://no-such-host.invalid" };
    const failure = store.head(at);
    await expect(failure).rejects.toMatchObject({
      message: expect.stringContaining("cannot use no-such-host.invalid"),
    });
    await expect(failure).rejects.toMatchObject({ code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
  });
});

describe("head", () => {
  test("uses GET to find the reason that HEAD cannot tell", async () => {
    server.replies.push(reply(403), error(403, "InvalidAccessKeyId"));
    await expect(store.head(server.at)).rejects.toMatchObject({ code: "InvalidAccessKeyId" });
    expect(server.asked).toEqual(["HEAD /bucket/key", "GET /bucket/key"]);
  });

  test("distinguishes a missing bucket from a missing object", async () => {
    server.replies.push(reply(404), error(404, "NoSuchKey"), reply(404), error(404, "NoSuchBucket"));
    expect(await store.head(server.at)).toBeUndefined();
    await expect(store.head(server.at)).rejects.toMatchObject({ code: "NoSuchBucket" });
  });

  test("does not take every 404 for a missing object", async () => {
    server.replies.push(reply(404), reply(404, "<html>no such page</html>"));
    await expect(store.head(server.at)).rejects.toMatchObject({ code: "NotFound" });
  });
});

describe("a body that breaks off", () => {
  const whole = "0123456789";

  test("continues from the byte that was reached, if the object is unchanged", async () => {
    server.replies.push(
      content(whole, 3),
      error(503, "SlowDown"),
      content(whole, 0),
      content(whole, 4),
      content(whole),
    );
    expect((await bytesOf(await store.read(server.at))).toString()).toBe(whole);
    expect(server.headers.map(({ range }) => range)).toEqual([
      undefined,
      "bytes=3-9",
      "bytes=3-9",
      "bytes=3-9",
      "bytes=7-9",
    ]);
    expect(server.headers.map((headers) => headers["if-match"])).toEqual([
      undefined,
      '"tag"',
      '"tag"',
      '"tag"',
      '"tag"',
    ]);
  });

  test("continues within a range", async () => {
    server.replies.push(content(whole, 2), content(whole));
    expect((await bytesOf(await store.read(server.at, { start: 4, end: 9 }))).toString()).toBe("45678");
    expect(server.headers.map(({ range }) => range)).toEqual(["bytes=4-8", "bytes=6-8"]);
  });

  test("is an error, and never short data, if it keeps breaking off", async () => {
    for (let tries = 0; tries < 20; tries++) server.replies.push(content(whole, tries === 0 ? 3 : 0));
    const stream = await store.read(server.at);
    await expect(bytesOf(stream)).rejects.toMatchObject({ name: "StorageError", code: "TruncatedBody" });
    expect(server.asked).toHaveLength(12);
  });

  test("is an error if the object has changed meanwhile", async () => {
    server.replies.push(content(whole, 3), error(412, "PreconditionFailed"));
    await expect(bytesOf(await store.read(server.at))).rejects.toMatchObject({ code: "ObjectChanged" });
  });
});

describe("a range", () => {
  const range = { start: 2, end: 5 };

  test.each([
    ["is ignored", reply(200, "0123456789"), "MalformedAnswer"],
    ["has no Content-Range", reply(206, "234"), "MalformedAnswer"],
    ["is another one", reply(206, "345", { "content-range": "bytes 3-5/10" }), "MalformedAnswer"],
    ["is cut off by the end", reply(206, "23", { "content-range": "bytes 2-3/4" }), "InvalidRange"],
    ["is beyond the end", error(416, "InvalidRange"), "InvalidRange"],
  ])("that %s is an error", async (_name, answer, code) => {
    server.replies.push(answer);
    await expect(store.read(server.at, range)).rejects.toMatchObject({ code });
  });

  test("may be answered with the whole object if that is the range", async () => {
    const object = reply(200, "01234", { etag: '"tag"' });
    server.replies.push(object, object, object);
    expect((await bytesOf(await store.read(server.at, { start: 0, end: 5 }))).toString()).toBe("01234");
    await expect(store.read(server.at, { start: 0, end: 4 })).rejects.toMatchObject({ code: "MalformedAnswer" });
    await expect(store.read(server.at, { start: 0, end: 6 })).rejects.toMatchObject({ code: "MalformedAnswer" });
  });

  test("that is the whole object continues after a body with status 200 broke off", async () => {
    server.replies.push((response) => {
      response.writeHead(200, { etag: '"tag"', "content-length": 5 }).write("01", () => response.socket?.end());
    }, content("01234"));
    expect((await bytesOf(await store.read(server.at, { start: 0, end: 5 }))).toString()).toBe("01234");
    expect(server.headers[1]?.range).toBe("bytes=2-4");
  });

  test("sent in chunks without a length is an error", async () => {
    server.replies.push((response) => void response.writeHead(200).end("01234"));
    await expect(store.read(server.at, { start: 0, end: 5 })).rejects.toMatchObject({ code: "MalformedAnswer" });
  });

  test("with a body longer than declared is an error", async () => {
    server.replies.push(reply(206, "2345", { "content-range": "bytes 2-4/10" }));
    await expect(bytesOf(await store.read(server.at, range))).rejects.toMatchObject({ code: "MalformedAnswer" });
  });
});

test("a body with Content-Encoding is not decoded", async () => {
  server.replies.push(reply(200, "not gzip", { "content-encoding": "gzip" }));
  const asStored = s3Store({ readsEncoded: true });
  expect((await bytesOf(await asStored.read(server.at))).toString()).toBe("not gzip");
});

const complete = (): Promise<string> => store.completeUpload(server.at, "id", ['"t"'], "mine");
const done = reply(200, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>");
const objectOf = (attempt: string) => reply(200, "", { etag: '"x"', "x-amz-meta-attempt": attempt });

describe("a completion", () => {
  test("that answers with an error under status 200 is retried or reported", async () => {
    server.replies.push(error(200, "InternalError"), done, error(200, "InvalidPart"));
    expect(await complete()).toBe("completed");
    await expect(complete()).rejects.toMatchObject({ code: "InvalidPart" });
  });

  test("that had succeeded before its answer was lost counts as completed", async () => {
    server.replies.push(reset, error(404, "NoSuchUpload"), objectOf("mine"));
    expect(await complete()).toBe("completed");
    expect(server.asked).toEqual(["POST /bucket/key?uploadId=id", "POST /bucket/key?uploadId=id", "HEAD /bucket/key"]);
  });

  test("of an upload that is gone counts as lost", async () => {
    server.replies.push(error(404, "NoSuchUpload"), reply(404), error(404, "NoSuchKey"));
    expect(await complete()).toBe("lost");
    server.replies.push(error(404, "NoSuchUpload"), objectOf("another"));
    expect(await complete()).toBe("lost");
  });

  test("in a bucket that is gone counts as neither", async () => {
    server.replies.push(error(404, "NoSuchBucket"));
    await expect(complete()).rejects.toMatchObject({ code: "NoSuchBucket" });
  });
});

const uploadsPage = (uploads: readonly string[], more = ""): string =>
  `<ListMultipartUploadsResult><EncodingType>url</EncodingType>${uploads.map((upload) => `<Upload><Key>${upload}</Key><UploadId>${upload}-id</UploadId></Upload>`).join("")}${more}</ListMultipartUploadsResult>`;

const folder = (): S3Address => ({ ...server.at, key: "out/" });

describe("the uploads below a folder", () => {
  test("are aborted, page by page, including those that have just gone", async () => {
    const more =
      "<IsTruncated>true</IsTruncated><NextKeyMarker>b+c</NextKeyMarker><NextUploadIdMarker>n</NextUploadIdMarker>";
    server.replies.push(
      reply(200, uploadsPage(["a", "b+c"], more)),
      reply(204),
      error(404, "NoSuchUpload"),
      error(503, "SlowDown"),
      reply(200, uploadsPage([])),
    );
    await store.abortUploads(folder());
    expect(server.asked).toEqual([
      "GET /bucket?uploads=&encoding-type=url&prefix=out%2F",
      "DELETE /bucket/a?uploadId=a-id",
      "DELETE /bucket/b%20c?uploadId=b%2Bc-id",
      "GET /bucket?uploads=&encoding-type=url&prefix=out%2F&key-marker=b%20c&upload-id-marker=n",
      "GET /bucket?uploads=&encoding-type=url&prefix=out%2F&key-marker=b%20c&upload-id-marker=n",
    ]);
  });

  test.each([
    ["cannot list them", error(501, "NotImplemented")],
    ["does not let this client", error(403, "AccessDenied")],
    ["lists objects instead", reply(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")],
  ])("are left alone if the store %s", async (_, answer) => {
    server.replies.push(answer);
    await store.abortUploads(folder());
    expect(server.asked).toHaveLength(1);
  });

  test("are requested again if the store has failed", async () => {
    server.replies.push(...Array.from({ length: 6 }, () => error(500, "InternalError")));
    await expect(store.abortUploads(folder())).rejects.toMatchObject({ code: "InternalError" });
  });
});

const page = (keys: readonly string[], more: string): string =>
  `<ListBucketResult>${keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size><ETag>&quot;e&quot;</ETag></Contents>`).join("")}<EncodingType>url</EncodingType>${more}</ListBucketResult>`;

describe("a list", () => {
  test("follows its pages", async () => {
    server.replies.push(
      reply(
        200,
        page(["a+b", "c%2Fd"], "<IsTruncated>true</IsTruncated><NextContinuationToken>a+/=</NextContinuationToken>"),
      ),
      error(500, "InternalError"),
      reply(200, page([], "<IsTruncated>true</IsTruncated><NextContinuationToken>2</NextContinuationToken>")),
      reply(200, page(["007"], "<IsTruncated>false</IsTruncated>")),
    );
    const infos = await all(store.list({ ...server.at, key: "" }));
    expect(infos.map(({ address }) => address)).toEqual(["a b", "c/d", "007"].map((key) => ({ ...server.at, key })));
    expect(server.asked[2]).toContain("continuation-token=a%2B%2F%3D");
    expect(server.asked).toHaveLength(4);
  });

  test("that is not a list is an error, not an empty list", async () => {
    server.replies.push(reply(200, "<html>welcome</html>"));
    await expect(all(store.list(server.at))).rejects.toMatchObject({ code: "MalformedAnswer" });
  });
});

const refusal = (code: string): string => `<Error><Key>k</Key><Code>${code}</Code><Message>why</Message></Error>`;

describe("a removal", () => {
  test("is done in batches of a thousand", async () => {
    server.replies.push(reply(200, "<DeleteResult/>"), reply(200, "<DeleteResult>\n</DeleteResult>"));
    await store.remove(Array.from({ length: 1001 }, (_, index) => ({ ...server.at, key: `k${index}` })));
    expect(server.asked).toEqual(["POST /bucket?delete=", "POST /bucket?delete="]);
    expect(server.headers[0]?.["content-md5"]).toMatch(/^[A-Za-z0-9+/]{22}==$/);
  });

  test("is retried for transient failures, and reports permanent ones", async () => {
    server.replies.push(
      reply(200, `<DeleteResult>${refusal("InternalError")}${refusal("NoSuchKey")}</DeleteResult>`),
      reply(200, `<DeleteResult>${refusal("SlowDown")}${refusal("AccessDenied")}</DeleteResult>`),
    );
    await expect(store.remove([server.at])).rejects.toMatchObject({
      code: "AccessDenied",
      message: expect.stringContaining("/bucket/k: why"),
    });
    expect(server.asked).toHaveLength(2);
  });

  test.each([
    ["501 NotImplemented", error(501, "NotImplemented")],
    ["501 without a reason", reply(501)],
    ["405", error(405, "MethodNotAllowed")],
    ["400, as to a form upload", error(400, "MalformedPOSTRequest")],
    ["404, as by a gateway without a route for it", reply(404, "<html>no route</html>")],
    ["200 with an error", error(200, "NotImplemented")],
    ["200 with a refusal of each key", reply(200, `<DeleteResult>${refusal("NotImplemented")}</DeleteResult>`)],
    ["200 with something else", reply(200, "<ListBucketResult/>")],
  ])("is done key by key if the store does not support batches: %s", async (_name, answer) => {
    server.replies.push(answer, error(503, "SlowDown"), reply(204), error(404, "NoSuchKey"));
    await store.remove([{ ...server.at, key: "a b" }]);
    await store.remove([{ ...server.at, key: "gone" }]);
    expect(server.asked).toEqual([
      "POST /bucket?delete=",
      "DELETE /bucket/a%20b",
      "DELETE /bucket/a%20b",
      "DELETE /bucket/gone",
    ]);
  });

  test("is done key by key in the next task too", async () => {
    const session = new S3Session({});
    server.replies.push(error(501, "NotImplemented"), reply(204), reply(204));
    for (let tasks = 0; tasks < 2; tasks++) await s3Store({ session }).remove([server.at]);
    expect(server.asked).toEqual(["POST /bucket?delete=", "DELETE /bucket/key", "DELETE /bucket/key"]);
  });

  test("is done key by key if XML cannot represent the key", async () => {
    server.replies.push(reply(200, "<DeleteResult/>"), reply(204), reply(204));
    await store.remove(["a\u0001", "a", "b "].map((key) => ({ ...server.at, key })));
    expect(server.asked.toSorted()).toEqual(["DELETE /bucket/a%01", "DELETE /bucket/b%20", "POST /bucket?delete="]);
    expect(server.bodies[0]).toContain("<Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>");
  });

  test("key by key sends several requests at a time, and reports the first refusal", async () => {
    let most = 0;
    const waiting: (() => void)[] = [];
    const held: Reply = (response) => {
      waiting.push(() => response.writeHead(204).end());
      most = Math.max(most, waiting.length);
      if (waiting.length === 16) for (const answer of waiting.splice(0)) answer();
    };
    server.replies.push(error(501, "NotImplemented"), ...Array.from({ length: 32 }, () => held));
    await store.remove(Array.from({ length: 32 }, (_, index) => ({ ...server.at, key: `k${index}` })));
    expect(most).toBe(16);
    server.replies.push(error(403, "AccessDenied"));
    await expect(store.remove([server.at])).rejects.toMatchObject({ code: "AccessDenied" });
  });

  test("that is refused in batches and key by key for the same reason reports that reason", async () => {
    server.replies.push(error(404, "NoSuchBucket"), error(404, "NoSuchBucket"));
    await expect(store.remove([server.at])).rejects.toMatchObject({ code: "NoSuchBucket" });
    server.replies.push(reply(200, "<DeleteResult/>"));
    await store.remove([server.at]);
    expect(server.asked.at(-1)).toBe("POST /bucket?delete=");
  });
});

describe("a bucket", () => {
  test("is created if it is missing", async () => {
    server.replies.push(reply(200), reply(404), error(404, "NoSuchBucket"), reply(200));
    await store.ensureBucket(server.at);
    await open().ensureBucket(server.at);
    expect(server.asked).toEqual(["HEAD /bucket", "HEAD /bucket", "GET /bucket?list-type=2&max-keys=1", "PUT /bucket"]);
  });

  test("that another client has just created counts as existing", async () => {
    server.replies.push(reply(404), error(404, "NoSuchBucket"), error(409, "BucketAlreadyOwnedByYou"));
    await store.ensureBucket(server.at);
  });

  test("that the store does not create must be created by the user", async () => {
    server.replies.push(reply(404), error(404, "NoSuchBucket"), error(501, "NotImplemented"));
    await expect(store.ensureBucket(server.at)).rejects.toMatchObject({
      code: "NoSuchBucket",
      message: expect.stringContaining("create it yourself"),
    });
  });

  test("that cannot be listed may still be written to", async () => {
    server.replies.push(reply(403), error(403, "AccessDenied"));
    await store.ensureBucket(server.at);
  });
});

describe("signing", () => {
  const credentials = { username: "id", password: "secret" };

  test("is left out without credentials", async () => {
    server.replies.push(reply(200));
    await store.put(server.at, Buffer.from("x"));
    expect(server.headers[0]).not.toHaveProperty("authorization");
  });

  test("uses the session token and the region", async () => {
    server.replies.push(reply(200));
    await open({ ...credentials, sessionToken: "token", region: "eu-west-1" }).put(server.at, Buffer.from("x"));
    expect(server.headers[0]?.authorization).toContain("/eu-west-1/s3/aws4_request");
    expect(server.headers[0]?.["x-amz-security-token"]).toBe("token");
  });

  test("learns the region from the store, once per bucket", async () => {
    const learning = open(credentials);
    server.replies.push(
      error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>"),
      reply(200),
      reply(200),
    );
    await learning.put(server.at, Buffer.from("x"));
    await learning.put(server.at, Buffer.from("x"));
    const regions = server.headers.map(({ authorization }) => /\/\d{8}\/([^/]+)\//.exec(authorization ?? "")?.[1]);
    expect(regions).toEqual(["us-east-1", "eu-north-1", "eu-north-1"]);
    expect(pauses).toEqual([]);
  });

  test("does not override a given region", async () => {
    server.replies.push(error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>"));
    const given = open({ ...credentials, region: "us-west-2" });
    await expect(given.put(server.at, Buffer.from("x"))).rejects.toMatchObject({
      code: "AuthorizationHeaderMalformed",
    });
  });
});

test("keys that no URL can represent are refused before they are sent", async () => {
  await expect(store.put({ ...server.at, key: "a/../b" }, Buffer.from("x"))).rejects.toMatchObject({
    code: "InvalidKey",
  });
  expect(server.asked).toEqual([]);
});

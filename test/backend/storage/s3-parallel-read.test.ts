import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pieceLength } from "../../../backend/storage/parallel-pieces.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import type { Store } from "../../../backend/storage/store.ts";
import { bytesOf, pattern } from "./bytes.ts";
import { error, reply, startFaultServer, type FaultServer, type Reply } from "./fault-server.ts";

const object = pattern(10 * pieceLength + 12_345);
const range = { start: 1_000_000, end: object.length };

let server: FaultServer;
let store: Store;
beforeEach(async () => {
  server = await startFaultServer();
  store = s3Store({ pause: async () => undefined });
});
afterEach(() => server.close());

/** Begins to send a range of the object. @returns its bytes */
const begin = (
  response: ServerResponse,
  request: IncomingMessage,
  headers: OutgoingHttpHeaders = { etag: '"tag"' },
): Buffer => {
  const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const bytes = object.subarray(Number(start), Number(last) + 1);
  response.writeHead(206, {
    ...headers,
    "content-length": bytes.length,
    "content-range": `bytes ${start}-${last}/${object.length}`,
  });
  return bytes;
};

/** Sends a range of the object, of which only `sent` bytes arrive. */
const piece =
  (sent = Infinity): Reply =>
  (response, request) => {
    const bytes = begin(response, request);
    if (sent >= bytes.length) response.end(bytes);
    else response.write(bytes.subarray(0, sent), () => response.socket?.end());
  };

/** Sends a range of the object without an ETag. */
const untagged: Reply = (response, request) => {
  response.end(begin(response, request, {}));
};

const repliesWith = (make: () => Reply, count: number): Reply[] => Array.from({ length: count }, make);

/** The ranges that were asked for, in no particular order. */
const asked = (): string[] => server.headers.map((headers) => headers.range ?? "").toSorted();

test("a long range is read in pieces of one version of the object, and arrives in order", async () => {
  server.replies.push(...repliesWith(piece, 10));
  const bytes = await bytesOf(await store.read(server.at, range));
  expect(bytes.equals(object.subarray(range.start))).toBe(true);
  const starts = Array.from({ length: 10 }, (_, index) => range.start + index * pieceLength);
  expect(asked()).toEqual(
    starts.map((start) => `bytes=${start}-${Math.min(start + pieceLength, object.length) - 1}`).toSorted(),
  );
  expect(server.headers.map((headers) => headers["if-match"])).toEqual([
    undefined,
    ...starts.slice(1).map(() => '"tag"'),
  ]);
});

test("a range that is not long is one request", async () => {
  server.replies.push(piece());
  const short = { start: 5, end: 5 + 2 * pieceLength };
  expect((await bytesOf(await store.read(server.at, short))).equals(object.subarray(short.start, short.end))).toBe(
    true,
  );
  expect(server.asked).toHaveLength(1);
});

test("no more than eight pieces are fetched ahead of the reader", async () => {
  server.replies.push(...repliesWith(piece, 10));
  const stream = await store.read(server.at, range);
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  await expect.poll(() => server.asked.length).toBe(8);
  // The ninth would be asked for by now if it were ever asked for.
  await new Promise((resolve) => void setTimeout(resolve, 100));
  expect(server.asked).toHaveLength(8);
  stream.destroy();
});

test("a piece that breaks off goes on where it was, and fails the stream if it cannot", async () => {
  server.replies.push(piece(), piece(70_000), ...repliesWith(piece, 9));
  expect((await bytesOf(await store.read(server.at, range))).equals(object.subarray(range.start))).toBe(true);
  expect(server.asked).toHaveLength(11);
  server.replies.push(piece(), piece(), ...repliesWith(() => error(403, "AccessDenied"), 8));
  const received: Buffer[] = [];
  const reading = (async () => {
    for await (const chunk of await store.read(server.at, range)) received.push(Buffer.from(chunk));
  })();
  await expect(reading).rejects.toMatchObject({ code: "AccessDenied" });
  const got = Buffer.concat(received);
  expect(got.equals(object.subarray(range.start, range.start + got.length))).toBe(true);
});

test("an object that changes between two pieces fails the stream", async () => {
  server.replies.push(piece(), ...repliesWith(() => error(412, "PreconditionFailed"), 9));
  await expect(bytesOf(await store.read(server.at, range))).rejects.toMatchObject({ code: "ObjectChanged" });
});

test("a store that ignores ranges may send the whole object, if that is to be read", async () => {
  const whole: Reply = (response) => {
    response.writeHead(200, { etag: '"tag"', "content-length": object.length }).end(object);
  };
  server.replies.push(whole);
  const bytes = await bytesOf(await store.read(server.at, { start: 0, end: object.length }));
  expect([bytes.equals(object), server.asked.length]).toEqual([true, 1]);
  server.replies.push(reply(200, "0123"));
  await expect(store.read(server.at, range)).rejects.toMatchObject({ code: "MalformedAnswer" });
});

test("without an ETag, which tells one version from another, a range is read in one request", async () => {
  server.replies.push(untagged, untagged);
  expect((await bytesOf(await store.read(server.at, range))).equals(object.subarray(range.start))).toBe(true);
  expect(server.headers[1]?.range).toBe(`bytes=${range.start}-${object.length - 1}`);
});

test("a stream that is destroyed ends all its requests", async () => {
  const open = new Set<ServerResponse>();
  const hanging: Reply = (response, request) => {
    open.add(response);
    response.once("close", () => open.delete(response));
    response.write(begin(response, request).subarray(0, 1000));
  };
  server.replies.push(...repliesWith(() => hanging, 8));
  const stream = await store.read(server.at, range);
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  await expect.poll(() => open.size).toBe(8);
  stream.destroy();
  await expect.poll(() => open.size).toBe(0);
});

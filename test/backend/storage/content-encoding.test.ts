import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { AwsV4Signer } from "aws4fetch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAddress, type Address } from "../../../shared/address.ts";
import { decompressed } from "../../../backend/storage/decompress.ts";
import { openStore } from "../../../backend/storage/open.ts";
import type { Store } from "../../../backend/storage/store.ts";
import { startS3Endpoint, type S3Endpoint } from "../../helpers/s3-endpoint.ts";
import { bytesOf, pattern } from "./bytes.ts";

const lines = Buffer.from("line\n".repeat(30_000));

type StoredObject = { readonly bytes: Buffer; readonly encoding: string };

/** The behaviour of a store for objects stored with a `Content-Encoding`. */
type Subject = {
  readonly endpoint: string;
  put(key: string, object: StoredObject): Promise<void>;
  close(): Promise<void>;
};

/** Workers: compresses again on the way, and sends no length. */
const workers = async (): Promise<Subject> => {
  const server: S3Endpoint = await startS3Endpoint({ buckets: ["data"] });
  const put = async (key: string, { bytes, encoding }: StoredObject): Promise<void> => {
    const signer = new AwsV4Signer({
      method: "PUT",
      url: `${server.endpoint}/data/${key}`,
      headers: { "content-encoding": encoding },
      accessKeyId: server.accessKeyId,
      secretAccessKey: server.secretAccessKey,
      service: "s3",
      region: "auto",
    });
    const { url, method, headers } = await signer.sign();
    expect((await fetch(url, { method, headers, body: Uint8Array.from(bytes) })).status).toBe(200);
  };
  return { endpoint: server.endpoint, put, close: server.close };
};

/** A store that answers requests for its objects with `answer`. */
const sender = async (
  answer: (request: IncomingMessage, response: ServerResponse, object: StoredObject) => void,
): Promise<Subject> => {
  const objects = new Map<string, StoredObject>();
  const server: Server = createServer((request, response) => {
    const object = objects.get(request.url ?? "");
    response.setHeader("etag", '"tag"');
    if (object === undefined) response.writeHead(404).end();
    else answer(request, response, object);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the address of a server that listens on a port
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://localhost:${port}`,
    put: async (key, object) => void objects.set(`/data/${key}`, object),
    close: async () => void server.close(),
  };
};

const sendStored = (request: IncomingMessage, response: ServerResponse, { bytes, encoding }: StoredObject): void => {
  const [, start = "0", last = String(bytes.length - 1)] =
    /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const part = bytes.subarray(Number(start), Number(last) + 1);
  response.setHeader("content-encoding", encoding);
  response.setHeader("content-length", part.length);
  if (request.headers.range !== undefined)
    response.setHeader("content-range", `bytes ${start}-${last}/${bytes.length}`);
  response.writeHead(request.headers.range === undefined ? 200 : 206);
  response.end(request.method === "HEAD" ? undefined : part);
};

/** AWS, MinIO and Ceph: send the stored encoding, and the bytes as stored. */
const plain = (): Promise<Subject> => sender(sendStored);

/** GCS: decompresses gzip for clients that do not accept it; it then sends no length and ignores ranges. */
const decompressing = (): Promise<Subject> =>
  sender((request, response, object) => {
    response.setHeader("x-goog-stored-content-encoding", object.encoding);
    const accepts = request.headers["accept-encoding"]?.includes("gzip") === true;
    if (accepts || object.encoding !== "gzip") sendStored(request, response, object);
    else response.writeHead(200).end(request.method === "HEAD" ? undefined : gunzipSync(object.bytes));
  });

/** A proxy in front of GCS that hides what the request accepts. */
const decompressingAlways = (): Promise<Subject> =>
  sender((request, response, object) => {
    response.setHeader("x-goog-stored-content-encoding", object.encoding);
    response.writeHead(200).end(request.method === "HEAD" ? undefined : gunzipSync(object.bytes));
  });

describe.each([
  ["compresses once more", workers],
  ["sends what is stored", plain],
  ["decompresses for whoever does not accept gzip", decompressing],
] as const)("in a store that %s, an object with a Content-Encoding", (_what, open) => {
  let subject: Subject;
  let store: Store;
  let asBytes: Store;
  const at = (key: string): Address => parseAddress(`${subject.endpoint}/data/${key}`, false);
  /** Reads an object as a map reads a compressed one. */
  const read = async (key: string, from = store): Promise<Buffer> => {
    const info = await from.head(at(key));
    expect(info).toBeDefined();
    return bytesOf(await from.read(at(key), { start: 0, end: info?.size ?? 0 }, info?.etag));
  };
  beforeAll(async () => {
    subject = await open();
    const credentials = { username: "test-key", password: "test-secret" };
    store = openStore({ credentials, fileRoots: [] });
    asBytes = openStore({ credentials, fileRoots: [], readsEncoded: true });
  });
  afterAll(() => subject.close());

  test("is read if its key's extension says so", async () => {
    const stored = { bytes: gzipSync(lines), encoding: "gzip" };
    for (const key of ["x.log.gz", "X.LOG.GZ"]) {
      await subject.put(key, stored);
      expect((await store.head(at(key)))?.size).toBe(stored.bytes.length);
      expect((await read(key)).equals(stored.bytes)).toBe(true);
      const stream = await store.read(at(key), { start: 0, end: stored.bytes.length });
      expect((await bytesOf(decompressed(key, stream))).equals(lines)).toBe(true);
      const part = await bytesOf(await store.read(at(key), { start: 3, end: 40 }));
      expect(part.equals(stored.bytes.subarray(3, 40))).toBe(true);
    }
    const large = { bytes: gzipSync(pattern(3_000_000)), encoding: "gzip" };
    await subject.put("large.gz", large);
    expect((await read("large.gz")).equals(large.bytes)).toBe(true);
    await subject.put("x.zst", { bytes: zstdCompressSync(lines), encoding: "zstd" });
    expect((await read("x.zst")).equals(zstdCompressSync(lines))).toBe(true);
  });

  test.each([
    ["x.log", "gzip", gzipSync(lines)],
    ["x.zst", "gzip", gzipSync(lines)],
    ["x.gz", "gzip, gzip", gzipSync(gzipSync(lines))],
    ["x.br", "br", brotliCompressSync(lines)],
    ["x.txt", "zstd", zstdCompressSync(lines)],
    ["x.txt", "aws-chunked", lines],
    ["x.gz", "aws-chunked,gzip", gzipSync(lines)],
  ])("is refused by name if its key %s does not say so: %s", async (key, encoding, bytes) => {
    await subject.put(key, { bytes, encoding });
    await expect(store.read(at(key), { start: 0, end: 10 })).rejects.toMatchObject({
      name: "StorageError",
      code: "UnsupportedInput",
      message: expect.stringMatching(/Content-Encoding '.*without Content-Encoding.*inputCompression "none"/),
    });
  });

  test("is read as stored if bytes are requested", async () => {
    const stored = { bytes: gzipSync(lines), encoding: "gzip" };
    await subject.put("bytes.log", stored);
    expect((await read("bytes.log", asBytes)).equals(stored.bytes)).toBe(true);
  });

  test.each(["identity", "utf-8", "UTF8"])("that means no encoding, %s, is read", async (encoding) => {
    await subject.put("none.txt", { bytes: lines, encoding });
    expect((await read("none.txt")).equals(lines)).toBe(true);
  });
});

test("an object that is decompressed on the way is refused by name", async () => {
  const subject = await decompressingAlways();
  try {
    const store = openStore({ fileRoots: [] });
    for (const key of ["x.gz", "x.log"]) {
      await subject.put(key, { bytes: gzipSync(lines), encoding: "gzip" });
      const reading = store.read(parseAddress(`${subject.endpoint}/data/${key}`, false), { start: 0, end: 10 });
      await expect(reading).rejects.toMatchObject({
        code: "UnsupportedInput",
        message: expect.stringContaining("Content-Encoding 'gzip'"),
      });
    }
  } finally {
    await subject.close();
  }
});

test("an answer that is compressed on the way and breaks off is resumed where it ended", async () => {
  const stored = pattern(3_000_000);
  let answers = 0;
  const subject = await sender((request, response, { bytes }) => {
    const [, start = "", last = ""] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const sent = gzipSync(bytes.subarray(Number(start), Number(last) + 1), { level: 0 });
    response.writeHead(206, { "content-encoding": "gzip", "content-range": `bytes ${start}-${last}/${bytes.length}` });
    answers += 1;
    if (answers === 3) response.end(sent);
    // Cut within the answer or, as HTTP sees it, at its end.
    else response.write(sent.subarray(0, 1_000_000), () => void (answers === 1 ? response.end() : response.destroy()));
  });
  try {
    await subject.put("x.gz", { bytes: stored, encoding: "gzip" });
    const store = openStore({ fileRoots: [] });
    const stream = await store.read(parseAddress(`${subject.endpoint}/data/x.gz`, false), {
      start: 0,
      end: stored.length,
    });
    expect((await bytesOf(stream)).equals(stored)).toBe(true);
    expect(answers).toBe(3);
  } finally {
    await subject.close();
  }
});

import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { S3Address } from "../../../shared/address.ts";
import { anyEndpoint } from "../../../backend/storage/endpoint-guard.ts";
import { openStore } from "../../../backend/storage/open.ts";
import { S3Sessions } from "../../../backend/storage/s3-sessions.ts";
import type { ByteRange, Store } from "../../../backend/storage/store.ts";
import { selfSigned } from "../../helpers/kubernetes/certificate.ts";

/** An object in which each group of four bytes tells where it is. */
const content = Buffer.from(Uint32Array.from({ length: 10 * 1024 * 1024 }, (_, i) => i * 2_654_435_761).buffer);

const range = ({ headers }: IncomingMessage): ByteRange => {
  const [, start = 0, last = content.length - 1] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
  return { start: Number(start), end: Number(last) + 1 };
};

/** The bytes sent of objects, as far as the system has taken them. */
let sent = 0;

const write = async (response: ServerResponse, bytes: Buffer): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("close", resolve);
  response.write(bytes, () => resolve());
  await promise;
  response.off("close", resolve);
  sent += bytes.length;
};

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { start, end } = range(request);
  const all = { etag: '"tag"', "content-length": end - start };
  if (request.headers.range === undefined) response.writeHead(200, all);
  else response.writeHead(206, { ...all, "content-range": `bytes ${start}-${end - 1}/${content.length}` });
  for (let at = start, length = 1; at < end && !response.closed; at += length) {
    length = 1 + Math.floor(Math.random() * 300_000);
    await write(response, content.subarray(at, Math.min(end, at + length)));
  }
  response.end();
};

const listener: RequestListener = (request, response) => void answer(request, response);

const trusted = getCACertificates("default");
const { certificate, key } = selfSigned();
const servers = { http: createServer(listener), https: createSecureServer({ cert: certificate, key }, listener) };

beforeAll(async () => {
  setDefaultCACertificates([...trusted, certificate]);
  for (const server of Object.values(servers)) await once(server.listen(0, "127.0.0.1"), "listening");
});
afterAll(async () => {
  setDefaultCACertificates(trusted);
  for (const server of Object.values(servers)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

const object = (scheme: keyof typeof servers): S3Address => {
  const address = servers[scheme].address();
  if (address === null || typeof address === "string") throw new TypeError("the server has no port");
  return { scheme: "s3", endpoint: `${scheme}://localhost:${address.port}`, bucket: "bucket", key: "object" };
};

const storeOf = (signal?: AbortSignal): Store =>
  openStore({
    session: new S3Sessions({ endpoints: anyEndpoint }).use([undefined, undefined])[0],
    fileRoots: [],
    signal,
  });

/** Compares each chunk when the next one is asked for, which is as long as it may be used. @returns the number of bytes */
const compare = async (
  store: Store,
  at: S3Address,
  { start, end }: ByteRange,
  reusesMemory: boolean,
): Promise<number> => {
  let position = start;
  for await (const chunk of await store.read(at, { start, end }, '"tag"', reusesMemory)) {
    for (let turns = Math.floor(Math.random() * 4); turns > 0; turns--) await turn();
    const expected = content.subarray(position, position + chunk.length);
    if (!expected.equals(chunk)) throw new Error(`other bytes at ${position}`);
    position += chunk.length;
  }
  return position - start;
};

describe.for(["http", "https"] as const)("bodies over %s", (scheme) => {
  test.for([false, true])(
    "are what was sent, with several at a time (memory is used again: %s)",
    async (reusesMemory) => {
      const store = storeOf();
      const ranges = [0, 1, 2].map((i) => ({ start: i * 1_000_003, end: content.length - i * 7_000_001 }));
      const lengths = await Promise.all(
        [...ranges, ...ranges].map((each) => compare(store, object(scheme), each, reusesMemory)),
      );
      expect(lengths.slice(0, 3)).toEqual(ranges.map(({ start, end }) => end - start));
    },
  );

  test("wait for a reader that is slow", async () => {
    const received: Buffer[] = [];
    let bytes = 0;
    sent = 0;
    for await (const chunk of await storeOf().read(object(scheme))) {
      received.push(chunk);
      bytes += chunk.length;
      if (received.length % 100 !== 1) continue;
      for (let before = -1; sent !== before; await sleep(30)) before = sent;
      // Those that lie in the buffers of the system, too.
      expect(sent).toBeLessThan(bytes + 12_000_000);
    }
    expect(content.equals(Buffer.concat(received))).toBe(true);
  });

  test("end with the reason of their signal", async () => {
    const stopped = new Error("stopped");
    const abort = new AbortController();
    const body = await storeOf(abort.signal).read(object(scheme), { start: 0, end: content.length }, '"tag"', true);
    const all = (async () => {
      for await (const _ of body) abort.abort(stopped);
    })();
    await expect(all).rejects.toMatchObject({ cause: stopped });
  });
});

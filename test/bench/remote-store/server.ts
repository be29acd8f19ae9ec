import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { answers } from "./answers.ts";
import { CommandSchema, type ListeningSchema, type Requests } from "./messages.ts";
import { Objects } from "./objects.ts";
import { operationOf } from "./operation.ts";
import { Pace } from "./pace.ts";
import type { z } from "zod";

/**
 * `node server.ts FOLDER`: an S3-compatible store that behaves as if across a network. It keeps what is written in memory; the
 * files in FOLDER are the objects of the bucket `inputs`. It ends with the process that started it.
 *
 * The local R2 behind a proxy would not do: it takes ten times as much processor time for a small object, 2.6 ms, and would
 * limit what is measured.
 */

/** Added once to each request, before the store acts on it, in ms. */
const delayMs = 30;

/** The throughput of each connection, in bytes per second, in both directions together. */
const connectionRate = 80e6;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: server FOLDER");
const objects = new Objects(folder);

/** Since the last report. */
let requests: Requests = {};

const paces = new WeakMap<Socket, Pace>();

const paceOf = (socket: Socket): Pace => {
  const pace = paces.get(socket) ?? new Pace(connectionRate);
  paces.set(socket, pace);
  return pace;
};

const bodyOf = async (request: IncomingMessage, pace: Pace): Promise<Buffer[]> => {
  const chunks: Buffer[] = [];
  const body: AsyncIterable<Buffer> = request;
  for await (const chunk of body) {
    chunks.push(chunk);
    await pace.passed(chunk.length);
  }
  return chunks;
};

/** Resolves when the chunk's memory can be used again. */
const write = async (response: ServerResponse, chunk: Buffer): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  response.write(chunk, (error) => (error ? reject(error) : resolve()));
  await promise;
};

const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const pace = paceOf(request.socket);
  const { method = "", headers } = request;
  const { pathname, searchParams: query } = new URL(request.url ?? "", "http://localhost");
  const [bucket = "", ...rest] = pathname.slice(1).split("/");
  const key = decodeURIComponent(rest.join("/"));
  const operation = operationOf(method, key, query);
  requests[operation] = (requests[operation] ?? 0) + 1;
  await sleep(delayMs);
  const body = await bodyOf(request, pace);
  const { status, headers: own = {}, text, range } = answers[operation]({ bucket, key, query, headers, body }, objects);
  response.writeHead(status, text === undefined ? own : { ...own, "content-length": Buffer.byteLength(text) });
  if (range !== undefined) {
    for await (const chunk of range.object.content.read(range.start, range.end)) {
      await write(response, chunk);
      await pace.passed(chunk.length);
    }
  }
  response.end(text);
};

const send = (message: z.infer<typeof ListeningSchema> | Requests): void => {
  process.send?.(message);
};

const server = createServer((request, response) => {
  respond(request, response).catch((error: unknown) => {
    // A client that breaks off its request is normal, at the end of a task.
    if (!request.destroyed) console.error(error);
    response.destroy();
  });
});
// Longer than clients keep idle connections.
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") send({ port: address.port });
});

process.on("message", (message) => {
  if (CommandSchema.parse(message) === "clear") {
    objects.clear();
    return;
  }
  send(requests);
  requests = {};
});
process.once("disconnect", () => process.exit());

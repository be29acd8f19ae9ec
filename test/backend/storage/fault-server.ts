import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { S3Address } from "../../../shared/address.ts";

export type Reply = (response: ServerResponse, request: IncomingMessage) => void;

export type FaultServer = {
  readonly at: S3Address;
  /** The requests, as `METHOD /path?query`, in order. */
  readonly asked: string[];
  /** The headers of the requests, in order. */
  readonly headers: IncomingMessage["headers"][];
  /** The bodies of the requests, in order. */
  readonly bodies: string[];
  /** The replies to come, each used once; further requests are answered with 599. */
  readonly replies: Reply[];
  readonly close: () => Promise<void>;
};

/** A store that answers as told. */
export const startFaultServer = async (): Promise<FaultServer> => {
  const asked: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const bodies: string[] = [];
  const replies: Reply[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      asked.push(`${request.method} ${request.url}`);
      headers.push(request.headers);
      bodies.push(Buffer.concat(chunks).toString());
      const reply = replies.shift();
      if (reply === undefined) response.writeHead(599).end();
      else reply(response, request);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the server has no port");
  return {
    at: { scheme: "s3", endpoint: `http://127.0.0.1:${address.port}`, bucket: "bucket", key: "key" },
    asked,
    headers,
    bodies,
    replies,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};

export const reply =
  (status: number, body = "", headers: Readonly<Record<string, string>> = {}): Reply =>
  (response) => {
    response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers }).end(body);
  };

export const error = (status: number, code: string, more = ""): Reply =>
  reply(status, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>because of ${code}</Message>${more}</Error>`);

export const reset: Reply = (response) => {
  response.socket?.resetAndDestroy();
};

/** A range of `content`, or all of it, but the connection ends after the first `sent` bytes. */
export const content =
  (whole: string, sent = Number.POSITIVE_INFINITY): Reply =>
  (response, request) => {
    const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const part = start === undefined ? whole : whole.slice(Number(start), Number(last) + 1);
    response.writeHead(start === undefined ? 200 : 206, {
      etag: '"tag"',
      "content-length": part.length,
      ...(start === undefined ? {} : { "content-range": `bytes ${start}-${last}/${whole.length}` }),
    });
    if (sent >= part.length) response.end(part);
    else response.write(part.slice(0, sent), () => response.socket?.end());
  };

/** An endless answer, sent in chunks for as long as it is read. */
export const endless =
  (status: number, chunk: Buffer, onSent: (bytes: number) => void): Reply =>
  (response) => {
    response.on("error", () => undefined);
    response.writeHead(status);
    const write = (): void => {
      onSent(chunk.length);
      if (!response.destroyed) response.write(chunk, write);
    };
    write();
  };

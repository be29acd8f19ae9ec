import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { AwsV4Signer } from "aws4fetch";
import { localR2EndpointPath } from "../../shared/address.ts";
import type { Edgefold } from "../helpers/edgefold.ts";

/**
 * A proxy for a local Worker and its S3 endpoint, which only answer to `localhost`, so that pods can reach them under another
 * name. It signs store requests again, since a signature covers the host name.
 */
export class Front {
  /** Replaces the Worker's URL. */
  readonly url: string;
  /** Replaces the S3 endpoint's address. */
  readonly s3Endpoint: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #edgefold: Edgefold;
  /** WebSocket connections, which the server no longer manages. */
  readonly #sockets = new Set<Duplex>();

  private constructor(server: ReturnType<typeof createServer>, url: string, edgefold: Edgefold) {
    this.#server = server;
    this.#edgefold = edgefold;
    this.url = url;
    this.s3Endpoint = url + localR2EndpointPath;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#pass(request, response).catch(() => response.destroy());
    });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex) => this.#upgrade(request, socket));
  }

  /** @param host a name or address of this machine that the pods can reach; the proxy listens only there */
  static async start(edgefold: Edgefold, host: string): Promise<Front> {
    const server = createServer();
    await once(server.listen(0, host), "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the front has no port");
    return new Front(server, `http://${host}:${address.port}`, edgefold);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Forwards only complete bodies: those of killed pods break off. */
  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    send(this.#edgefold.url + (request.url ?? ""), await this.#onward(request), resolve)
      .on("error", reject)
      .end(body);
    const answer = await promise;
    response.writeHead(answer.statusCode ?? 0, answer.headers).end(await buffer(answer));
  }

  async #onward({ method = "GET", url = "", headers }: IncomingMessage) {
    if (!url.startsWith(localR2EndpointPath))
      return { method, headers: { ...headers, host: new URL(this.#edgefold.url).host } };
    const { authorization: _, host: __, ...kept } = headers;
    const all = Object.entries(kept).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []));
    const signed = new Headers(
      Object.fromEntries(
        all.filter((entry) => isSigned(entry) && !/^x-amz-(date|content-sha256|security)/.test(entry[0] ?? "")),
      ),
    );
    const { username, password } = this.#edgefold.keys;
    const signer = new AwsV4Signer({
      method,
      url: this.#edgefold.url + url,
      headers: signed,
      accessKeyId: username,
      secretAccessKey: password,
      service: "s3",
    });
    const others = Object.fromEntries(all.filter((entry) => !isSigned(entry)));
    return { method, headers: { ...others, ...Object.fromEntries((await signer.sign()).headers.entries()) } };
  }

  #upgrade({ url = "", headers }: IncomingMessage, socket: Duplex): void {
    const onward = send(this.#edgefold.url + url, { headers: { ...headers, host: new URL(this.#edgefold.url).host } });
    onward.on("upgrade", (answer, other: Duplex, head: Buffer) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      socket.write(head);
      joined(socket, other);
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    onward.on("response", (answer) => {
      socket.write(`HTTP/1.1 ${answer.statusCode ?? 500} refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      socket.end();
      answer.resume();
    });
    onward.on("error", () => socket.destroy());
    onward.end();
  }
}

/** Other headers, such as Accept-Encoding, can change on the way. */
const isSigned = ([name = ""]: readonly string[]): boolean => name.startsWith("x-amz-");

/** Connects two streams: each receives what the other sends, and ends with it. */
const joined = (a: Duplex, b: Duplex): void => {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
};

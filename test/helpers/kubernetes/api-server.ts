import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import { once } from "node:events";
import { freePort } from "../../../backend/host/port.ts";
import { accessReviewPath, reviewed } from "./access-review.ts";
import type { ApiOperations, Body } from "./api-operations.ts";
import { accessOf, parseRequest, type ApiRequest, type Verb } from "./api-request.ts";
import type { Identity } from "./certificate.ts";
import { Faults, refusalOf } from "./faults.ts";
import { toJsonObject, type Json, type JsonObject } from "./json.ts";
import { selectorOf } from "./object-list.ts";
import type { Access, Permissions } from "./rbac.ts";
import { badRequest, forbidden, Refusal, unauthorized, unsupportedMediaType } from "./status.ts";
import { adminUser, type Users } from "./users.ts";
import type { Watches } from "./watches.ts";

/** A received request. */
export type Logged = {
  readonly verb: Verb;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** Empty if the request names no object. */
  readonly name: string;
  readonly user: string;
};

export type ApiServerParts = {
  readonly operations: ApiOperations;
  readonly watches: Watches;
  readonly users: Users;
  readonly permissions: Permissions;
  readonly onError: (error: unknown) => void;
};

const defaultWatchMs = 30 * 60_000;

/** The HTTPS front: authenticates and authorizes requests, and answers them. */
export class ApiServer {
  readonly faults = new Faults();
  readonly requests: Logged[] = [];
  readonly port: number;
  /** The status with which every request is refused; undefined if requests are served. */
  outage: number | undefined;
  readonly #server: Server;
  readonly #parts: ApiServerParts;
  readonly #sockets = new Set<Socket>();
  #isHanging = false;

  private constructor(server: Server, port: number, parts: ApiServerParts) {
    this.#server = server;
    this.port = port;
    this.#parts = parts;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (this.#isHanging) return;
      this.#answer(request, response).catch((error: unknown) => {
        parts.onError(error);
        response.destroy();
      });
    });
  }

  static async start({ certificate, key }: Identity, parts: ApiServerParts): Promise<ApiServer> {
    const server = createServer({ cert: certificate, key });
    const port = await freePort();
    await once(server.listen(port, "127.0.0.1"), "listening");
    return new ApiServer(server, port, parts);
  }

  /** Refuses new connections and breaks the existing ones, until `open`. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    // Includes connections still being set up, which the server does not count.
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  /** Reopens the same port. */
  async open(): Promise<void> {
    await once(this.#server.listen(this.port, "127.0.0.1"), "listening");
  }

  /** Leaves every request unanswered, until called with `false`. */
  hang(isHanging: boolean): void {
    this.#isHanging = isHanging;
    // Requests that hung are never answered.
    if (!isHanging) this.#server.closeAllConnections();
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await bodyOf(message);
      if (body === undefined) return;
      if (this.outage !== undefined) throw refusalOf(this.outage);
      const user = this.#userOf(message);
      const url = new URL(message.url ?? "", "https://localhost");
      if (url.pathname === accessReviewPath && message.method === "POST")
        send(
          response,
          201,
          reviewed(parsed(body).json, (access) => this.#allows(user, access)),
        );
      else if (url.pathname === "/version") send(response, 200, { major: "1", minor: "36", gitVersion: "v1.36.3" });
      else this.#handle(user, parseRequest(message.method ?? "", url), body, response);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      send(response, error.status.code, toJsonObject(error.status), error.status.details?.retryAfterSeconds);
    }
  }

  #handle(user: string, request: ApiRequest, body: RawBody, response: ServerResponse): void {
    const { verb, resource, subresource, namespace = "", name } = request;
    this.requests.push({ verb, resource: resource.plural, subresource, namespace, name, user });
    this.#authorize(user, request);
    const fault = this.faults.take(verb, resource.plural);
    if (typeof fault === "number") throw refusalOf(fault);
    if (verb === "watch") {
      this.#watch(request, response);
      return;
    }
    const { code, json } = this.#parts.operations.perform(request, parsed(body));
    if (fault === undefined) send(response, code, json);
    else response.destroy();
  }

  #watch({ resource, namespace, name, query }: ApiRequest, response: ServerResponse): void {
    const version = query.get("resourceVersion") ?? "";
    if (!/^\d*$/.test(version)) throw badRequest(`resourceVersion: Invalid value: "${version}"`);
    const seconds = Number(query.get("timeoutSeconds") ?? 0);
    this.#parts.watches.open(response, {
      resource,
      namespace,
      selects: selectorOf(resource, name, query),
      version: version === "" || version === "0" ? undefined : Number(version),
      bookmarks: query.get("allowWatchBookmarks") === "true",
      timeoutMs: seconds > 0 ? seconds * 1000 : defaultWatchMs,
    });
  }

  #userOf({ headers: { authorization = "" } }: IncomingMessage): string {
    const [, token] = /^Bearer (.+)$/.exec(authorization) ?? [];
    const user = token === undefined ? undefined : this.#parts.users.withToken(token);
    if (user === undefined) throw unauthorized();
    return user;
  }

  #allows(user: string, access: Access): boolean {
    return user === adminUser || this.#parts.permissions.allows(user, access);
  }

  #authorize(user: string, request: ApiRequest): void {
    const access = accessOf(request);
    if (this.#allows(user, access)) return;
    const { verb, group, resource, subresource, namespace, name } = access;
    const what = subresource === "" ? resource : `${resource}/${subresource}`;
    const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
    const why = `User "${user}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
    throw forbidden(request.resource, name, why);
  }
}

type RawBody = { readonly text: string; readonly mediaType: string };

/** Undefined if the client disconnects before the end. */
const bodyOf = async (message: IncomingMessage): Promise<RawBody | undefined> => {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(Buffer.from(chunk));
  } catch {
    return undefined;
  }
  const [mediaType = ""] = (message.headers["content-type"] ?? "").split(";");
  return { text: Buffer.concat(chunks).toString(), mediaType };
};

/** @throws Refusal 400 or 415 if the body is not JSON */
const parsed = ({ text, mediaType }: RawBody): Body => {
  if (text === "") return { json: null, mediaType };
  if (!/^application\/([\w-]+\+)?json$/.test(mediaType)) throw unsupportedMediaType();
  try {
    const json: Json = JSON.parse(text);
    return { json, mediaType };
  } catch (error) {
    throw badRequest(`the body of the request is no JSON: ${String(error)}`);
  }
};

const send = (response: ServerResponse, code: number, json: JsonObject, retryAfter?: number): void => {
  if (retryAfter !== undefined) response.setHeader("retry-after", String(retryAfter));
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(json));
};

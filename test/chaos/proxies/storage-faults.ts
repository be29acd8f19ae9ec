import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { StoreAnswer } from "../../helpers/s3-forward.ts";
import type { StorageOperation } from "./storage-request.ts";

/** What happens to one request to the store. */
export type StorageFault =
  /** It is answered with an error; with `done`, the store has carried it out all the same. */
  | {
      readonly kind: "refuse";
      readonly status: 429 | 500 | 503;
      readonly xml: boolean;
      readonly retryAfter: boolean;
      readonly done: boolean;
    }
  /** The connection is cut: in the middle of the request's body, before the store sees the request, or instead of the answer. */
  | { readonly kind: "cut"; readonly when: "upload" | "request" | "answer" }
  /** The answer ends before its Content-Length. */
  | { readonly kind: "truncate" }
  /** Nothing moves for a while: before the store sees the request, or in the middle of the answer. */
  | { readonly kind: "stall"; readonly where: "request" | "answer"; readonly ms: number }
  /** The answer arrives slowly. */
  | { readonly kind: "throttle"; readonly bytesPerSecond: number }
  /** A completion is answered with status 200 and an error in the body, as AWS can; `done` says whether it was carried out. */
  | { readonly kind: "error in 200"; readonly done: boolean };

/** The operations that a fault applies to; undefined for all. */
export const operationsFor = (fault: StorageFault): readonly StorageOperation[] | undefined => {
  switch (fault.kind) {
    case "error in 200":
      return ["complete"];
    case "truncate":
    case "throttle":
      return ["get", "list"];
    case "cut":
      return fault.when === "upload" ? ["part", "put"] : undefined;
    case "stall":
      return fault.where === "answer" ? ["get", "list"] : undefined;
    case "refuse":
      return undefined;
  }
};

const codes = { 429: "TooManyRequests", 500: "InternalError", 503: "SlowDown" } as const;

const errorBody = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>Chaos.</Message></Error>`;

const cut = (response: ServerResponse): void => {
  response.socket?.resetAndDestroy();
};

/**
 * Answers a request as a fault demands.
 * @param pass lets the store carry out the request
 */
export const answerWith = async (
  fault: StorageFault | undefined,
  response: ServerResponse,
  pass: () => Promise<StoreAnswer>,
): Promise<void> => {
  switch (fault?.kind) {
    case undefined: {
      const { status, headers, body } = await pass();
      response.writeHead(status, headers).end(body);
      return;
    }
    case "refuse": {
      if (fault.done) await pass();
      const headers = fault.retryAfter ? { "retry-after": "1" } : {};
      response.writeHead(fault.status, headers).end(fault.xml ? errorBody(codes[fault.status]) : "");
      return;
    }
    case "cut":
      if (fault.when === "answer") await pass();
      cut(response);
      return;
    case "error in 200":
      if (fault.done) await pass();
      response.writeHead(200, { "content-type": "application/xml" }).end(errorBody("InternalError"));
      return;
    case "truncate":
      await half(response, await pass());
      cut(response);
      return;
    case "stall": {
      if (fault.where === "request") await sleep(fault.ms);
      // Like any proxy, it does not forward a request that the client has abandoned.
      if (response.destroyed) return;
      const answer = await pass();
      if (fault.where === "request") response.writeHead(answer.status, answer.headers).end(answer.body);
      else {
        const rest = await half(response, answer);
        await sleep(fault.ms);
        response.end(rest);
      }
      return;
    }
    case "throttle": {
      const { status, headers, body } = await pass();
      response.writeHead(status, headers);
      const piece = Math.ceil(fault.bytesPerSecond / 20);
      for (let at = 0; at < body.length && !response.destroyed; at += piece) {
        response.write(body.subarray(at, at + piece));
        await sleep(50);
      }
      response.end();
    }
  }
};

/** Sends the head and the first half of the body. @returns the second half */
const half = async (response: ServerResponse, { status, headers, body }: StoreAnswer): Promise<Buffer> => {
  const { "transfer-encoding": _, ...kept } = headers;
  response.writeHead(status, { ...kept, "content-length": body.length });
  const middle = Math.floor(body.length / 2);
  await new Promise<void>((written) => response.write(body.subarray(0, middle), () => written()));
  return body.subarray(middle);
};

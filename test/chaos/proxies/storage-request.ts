import type { IncomingMessage } from "node:http";

export type StorageOperation =
  | "create"
  | "part"
  | "complete"
  | "abort"
  | "uploads"
  | "put"
  | "get"
  | "head"
  | "list"
  | "delete";

/** What faults need to know of a request to the store. */
export type StorageRequest = {
  readonly operation: StorageOperation;
  readonly url: URL;
  /** The address, decoded. */
  readonly text: string;
};

const operationOf = (method: string, { searchParams: query, pathname }: URL): StorageOperation => {
  if (method === "POST" && query.has("delete")) return "delete";
  if (query.has("uploads")) return method === "POST" ? "create" : "uploads";
  if (query.has("uploadId")) return method === "POST" ? "complete" : method === "DELETE" ? "abort" : "part";
  if (method === "PUT") return "put";
  if (method === "HEAD") return "head";
  return query.has("list-type") || pathname.endsWith("/") ? "list" : "get";
};

export const storageRequest = ({ method = "GET", url: path = "" }: IncomingMessage): StorageRequest => {
  const url = new URL(path, "http://localhost");
  return { operation: operationOf(method, url), url, text: decodeURIComponent(url.pathname + url.search) };
};

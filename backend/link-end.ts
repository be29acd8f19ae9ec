import { closeCodes } from "../shared/protocol/connection.ts";

/** How one socket of a link ended. */
export type SocketEnd =
  /** The upgrade was answered with a plain HTTP response. */
  | { kind: "refused"; status: number; reason: string }
  /** `code` is the peer's close code, or 1006 if there was none. */
  | { kind: "lost"; code: number; reason: string };

/** Why a link has ended permanently. */
export type LinkEnd =
  /** `close()` was called. */
  | { kind: "closed" }
  /** The Worker refused the connection: 401 or 403 because of the token, 404 because the link's target does not exist. */
  | { kind: "refused"; status: number; reason: string }
  /** The Worker closed the connection with `code`, one of `closeCodes`. */
  | { kind: "dismissed"; code: number; reason: string };

/** A request rejects with this error when the link has ended, so no answer can come. */
export class LinkEndedError extends Error {
  override name = "LinkEndedError";
  readonly end: LinkEnd;

  constructor(end: LinkEnd) {
    super(end.kind === "closed" ? "the link was closed" : `the Worker ended the link: ${end.reason}`);
    this.end = end;
  }
}

const dismissals: ReadonlySet<number> = new Set(Object.values(closeCodes));
const finalStatuses: ReadonlySet<number> = new Set([401, 403, 404]);
/** Close codes that report a server failure (RFC 6455). Reconnecting at once would not help the server. */
const failures: ReadonlySet<number> = new Set([1011, 1013]);

/** Returns the end of the link if the socket's end makes reconnecting pointless, otherwise undefined. */
export const finalEnd = (end: SocketEnd): LinkEnd | undefined => {
  if (end.kind === "refused") return finalStatuses.has(end.status) ? end : undefined;
  return dismissals.has(end.code) ? { ...end, kind: "dismissed" } : undefined;
};

/** Whether the socket ended because the peer refused or failed, and not because of an ordinary disconnect. */
export const isFailure = (end: SocketEnd): boolean => end.kind === "refused" || failures.has(end.code);

import { closeCodes } from "../shared/protocol/connection.ts";

/** How one socket of a link ended. */
export type SocketEnd =
  /** The upgrade was answered with a plain HTTP response. */
  | { kind: "refused"; status: number; reason: string }
  /** `code` is the peer's close code, or 1006 where there was none. */
  | { kind: "lost"; code: number; reason: string };

/** Why a link is over for good. */
export type LinkEnd =
  /** `close()` was called. */
  | { kind: "closed" }
  /** The Worker refused the connection: 401 or 403 for the token, 404 for what the link was to. */
  | { kind: "refused"; status: number; reason: string }
  /** The Worker closed it with `code`, one of `closeCodes`. */
  | { kind: "dismissed"; code: number; reason: string };

/** What a request rejects with when the link is over and no answer can come. */
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
/** Close codes with which a server says that it failed (RFC 6455), so that coming back at once would not help it. */
const failures: ReadonlySet<number> = new Set([1011, 1013]);

/** The link's own end, where the socket's end means that dialling again is of no use; undefined where it is. */
export const finalEnd = (end: SocketEnd): LinkEnd | undefined => {
  if (end.kind === "refused") return finalStatuses.has(end.status) ? end : undefined;
  return dismissals.has(end.code) ? { ...end, kind: "dismissed" } : undefined;
};

/** Whether the peer ended the socket because something is wrong with it, and not just because sockets get cut. */
export const isFailure = (end: SocketEnd): boolean => end.kind === "refused" || failures.has(end.code);

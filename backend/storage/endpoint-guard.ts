import { lookup, type LookupAddress, type LookupAllOptions } from "node:dns";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { buildConnector } from "undici";
import { isLoopback, refusedAddress, refusedHost } from "../../shared/ip-address.ts";
import { formatEndpoints, listedAs, type EndpointList } from "./endpoint-list.ts";
import { reusedMemory } from "./socket-memory.ts";

/** Which storage endpoints users may name. Addresses that `refusedAddress` rejects are always refused. */
export type EndpointPolicy = {
  /** Undefined to allow any. */
  readonly allowed?: EndpointList | undefined;
  /** Whether a store may be at a loopback address even if `allowed` does not name its exact host. */
  readonly loopback: boolean;
};

/** Allows any store, including those on this machine. */
export const anyEndpoint: EndpointPolicy = { loopback: true };

/** A user named an endpoint that must not be connected to. The message continues from the endpoint's name. */
class EndpointRefusedError extends Error {
  override name = "EndpointRefusedError";
  readonly code = "EndpointRefused";
}

/** Resolves a hostname to addresses. The default is the system's resolver. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: Error | null, found: LookupAddress[]) => void,
) => void;

/** The connect timeout, in milliseconds. */
const connectMs = 5000;

/**
 * Connects to storage endpoints, except those that the policy refuses. A hostname is resolved once per connection, and the
 * connection goes to one of the addresses that were checked, so DNS rebinding has no effect. Refusals are errors with the code
 * `EndpointRefused`. Only `receive` may read from these connections (see `socket-memory.ts`).
 */
export const guardedConnector = (
  { allowed, loopback }: EndpointPolicy,
  resolve: Resolve = lookup,
): buildConnector.connector => {
  const dial = (judge: Judge): buildConnector.connector => {
    const judgedLookup = judged(resolve, judge);
    return (options, callback) => {
      let socket: Socket | undefined;
      // with HTTP/2, undici sends all requests to a host over one connection, whose 512 KiB window they share
      const connect = buildConnector({
        timeout: connectMs,
        allowH2: false,
        lookup: judgedLookup,
        onread: reusedMemory(() => socket),
      });
      connect(options, (...result) => {
        socket = result[1] ?? undefined;
        callback(...result);
      });
    };
  };
  const [toAny, toOthers] = [dial(refusal), dial(refusalOrLoopback)];
  return (options, callback) => {
    const { why, mayBeLoopback } = judgeHost({ allowed, loopback }, options);
    if (why !== undefined) queueMicrotask(() => callback(new EndpointRefusedError(why), null));
    else (mayBeLoopback ? toAny : toOthers)(options, callback);
  };
};

type Host = { readonly hostname: string; readonly protocol: string; readonly port: string };

/** Judges a host before its name is resolved. `hostname` can be an IPv6 address with or without brackets. */
const judgeHost = (
  { allowed, loopback }: EndpointPolicy,
  { hostname, protocol, port }: Host,
): { readonly why: string | undefined; readonly mayBeLoopback: boolean } => {
  const listed = allowed && listedAs(allowed, hostname, Number(port || (protocol === "https:" ? 443 : 80)));
  const mayBeLoopback = loopback || listed === "host";
  const address = hostname.replaceAll(/^\[|\]$/g, "");
  // an address is not resolved
  const what = isIP(address) === 0 ? refusedHost(hostname) : (mayBeLoopback ? refusal : refusalOrLoopback)(address);
  const why =
    allowed !== undefined && listed === undefined
      ? `it is not among the endpoints that are allowed here, STORAGE_ENDPOINTS: ${formatEndpoints(allowed)}`
      : what && `it is ${what}`;
  return { why, mayBeLoopback };
};

/**
 * Checks an endpoint that is used through a proxy: its name or literal address, and `allowed`. Only the proxy knows which
 * addresses a name resolves to.
 * @throws Error with the code `EndpointRefused`
 */
export const checkEndpoint = (policy: EndpointPolicy, url: URL): void => {
  const { why } = judgeHost(policy, url);
  if (why !== undefined) throw new EndpointRefusedError(why);
};

/** Says why an IP address must not be connected to, in words that continue `it is`. Undefined if it is allowed. */
type Judge = (address: string) => string | undefined;

const refusal: Judge = (address) => {
  const what = refusedAddress(address);
  return what && `${what}, where no store can be`;
};

const refusalOrLoopback: Judge = (address) =>
  isLoopback(address)
    ? "a loopback address, the runner's own, which STORAGE_ENDPOINTS does not name"
    : refusal(address);

/** Resolves a hostname to those of its addresses that are not refused. */
const judged =
  (resolve: Resolve, judge: Judge): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const usable = found.filter(({ address }) => judge(address) === undefined);
      const [first] = usable;
      if (first === undefined) {
        const each = found.map(({ address }) => `${address}, ${judge(address)}`).join("; ");
        callback(new EndpointRefusedError(`it leads to ${each}`), []);
      } else if (options.all === true) callback(null, usable);
      else callback(null, first.address, first.family);
    });
  };

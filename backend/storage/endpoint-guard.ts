import { lookup, type LookupAddress, type LookupAllOptions } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { buildConnector } from "undici";
import { isLoopback, refusedAddress, refusedHost } from "../../shared/ip-address.ts";
import { formatEndpoints, listedAs, type EndpointList } from "./endpoint-list.ts";

/** Which storage endpoints users may name. Besides, no store is at an address of `refusedAddress`, whatever this says. */
export type EndpointPolicy = {
  /** Undefined for any. */
  readonly allowed?: EndpointList | undefined;
  /** Whether a store may be at a loopback address without `allowed` naming its very host. */
  readonly loopback: boolean;
};

/** Any store, this machine's own among them. */
export const anyEndpoint: EndpointPolicy = { loopback: true };

/** A user has named what is not to be dialled; the message goes on from the endpoint's name. */
class EndpointRefusedError extends Error {
  override name = "EndpointRefusedError";
  readonly code = "EndpointRefused";
}

/** Finds the addresses of a name, by default as the system does. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: Error | null, found: LookupAddress[]) => void,
) => void;

/** How long a connection may take to be made, in ms. */
const connectMs = 5000;

/**
 * Makes connections to storage endpoints, but to none that a policy refuses. A name is resolved once for each connection, which is
 * then made to one of the addresses that were looked at: a name that leads somewhere else a moment later changes nothing.
 * Refusals are errors with the code `EndpointRefused`.
 */
export const guardedConnector = (
  { allowed, loopback }: EndpointPolicy,
  resolve: Resolve = lookup,
): buildConnector.connector => {
  // undici's HTTP/2 puts all requests to a host on one connection, with a window of 512 KiB for all of them together
  const dial = (judge: Judge): buildConnector.connector =>
    buildConnector({ timeout: connectMs, allowH2: false, lookup: judged(resolve, judge) });
  // one of each for all connections, as each keeps the TLS sessions of its own
  const [toAny, toOthers] = [dial(refusal), dial(refusalOrLoopback)];
  return (options, callback) => {
    const { why, mayBeLoopback } = judgeHost({ allowed, loopback }, options);
    if (why !== undefined) queueMicrotask(() => callback(new EndpointRefusedError(why), null));
    else (mayBeLoopback ? toAny : toOthers)(options, callback);
  };
};

type Host = { readonly hostname: string; readonly protocol: string; readonly port: string };

/** What can be said of a host before its name is resolved. @param host an IPv6 address with or without brackets */
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
 * Judges an endpoint that is used through a proxy: by its name, its address where that is written out, and `allowed`. What a
 * name leads to only the proxy knows.
 * @throws Error with the code `EndpointRefused`
 */
export const checkEndpoint = (policy: EndpointPolicy, url: URL): void => {
  const { why } = judgeHost(policy, url);
  if (why !== undefined) throw new EndpointRefusedError(why);
};

/** Why an IP address is not to be dialled, in words that go on from `it is`; undefined where it may be. */
type Judge = (address: string) => string | undefined;

const refusal: Judge = (address) => {
  const what = refusedAddress(address);
  return what && `${what}, where no store can be`;
};

const refusalOrLoopback: Judge = (address) =>
  isLoopback(address)
    ? "a loopback address, the runner's own, which STORAGE_ENDPOINTS does not name"
    : refusal(address);

/** Resolves names to those of their addresses that are not refused. */
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

import { BlockList, isIP } from "node:net";
import { Agent, ProxyAgent, type Dispatcher } from "undici";
import { refusedAddress, isLoopback } from "../shared/ip-address.ts";

/** Timeout for establishing a connection, in ms. */
const connectMs = 5000;

const variableOf = (environment: NodeJS.ProcessEnv, name: string): string =>
  (environment[name.toLowerCase()] || environment[name.toUpperCase()] || "").trim();

/** The variables that name proxies, in either spelling. */
export const proxyVariables = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
] as const;

/**
 * Returns the URL of the proxy that the environment sets for an address, or undefined for none: `HTTPS_PROXY` for `https:` and
 * `wss:`, otherwise `HTTP_PROXY`, unless `NO_PROXY` lists the host. Lower-case names take precedence. The rules are those of
 * Go's `net/http.ProxyFromEnvironment`. Loopback hosts have no proxy, because a proxy would take such an address for its own;
 * link-local hosts have none either.
 * @throws Error for a proxy that is not an `http:` or `https:` URL
 */
export const proxyFor = (url: URL, environment: NodeJS.ProcessEnv = process.env): string | undefined => {
  const name = /^(https|wss):$/.test(url.protocol) ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = variableOf(environment, name);
  if (proxy === "" || isLocal(url.hostname) || isExcluded(url, variableOf(environment, "NO_PROXY"))) return undefined;
  const parsed = URL.parse(proxy.includes("://") ? proxy : `http://${proxy}`);
  // The message omits the value, because it can contain a password.
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) throw new Error(`${name} is no URL of an HTTP proxy`);
  return parsed.href;
};

const bare = (hostname: string): string => hostname.replaceAll(/^\[|\]$/g, "");

const isLocal = (hostname: string): boolean => {
  const host = bare(hostname);
  if (isIP(host) === 0) return host === "localhost" || host.endsWith(".localhost");
  return isLoopback(host) || refusedAddress(host) !== undefined;
};

/**
 * Whether an entry of `NO_PROXY` matches the host: `*`, a domain and its subdomains, an address or an address range, each with
 * or without a port.
 */
const isExcluded = (url: URL, list: string): boolean => {
  const host = bare(url.hostname).toLowerCase();
  const port = url.port || (/^(https|wss):$/.test(url.protocol) ? "443" : "80");
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const [, name = "", itsPort] = /^(.*?|\[.*\])(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
      if (itsPort !== undefined && itsPort !== port) return false;
      const plain = bare(name).toLowerCase();
      if (isIP(host) !== 0) return isWithin(host, plain);
      const domain = plain.replace(/^\*?\./, "");
      return host.endsWith(`.${domain}`) || (host === domain && domain === plain);
    });
};

const isWithin = (address: string, range: string): boolean => {
  const [network = "", bits] = range.split("/");
  const version = isIP(network);
  if (version === 0 || version !== isIP(address)) return false;
  const family = version === 4 ? "ipv4" : "ipv6";
  const block = new BlockList();
  const prefix = Number(bits ?? (version === 4 ? 32 : 128));
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > (version === 4 ? 32 : 128)) return false;
  block.addSubnet(network, prefix, family);
  return block.check(address, family);
};

/** Sends requests over HTTP/1.1, directly or through the proxy that the environment sets for the host. */
export class Dispatchers {
  readonly #options: Agent.Options;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #direct: Dispatcher;
  readonly #proxies = new Map<string, ProxyAgent>();

  /** @param options for direct and proxied connections; `connect` applies to direct ones only and must not enable HTTP/2 */
  constructor({ connect, ...options }: Agent.Options = {}, environment: NodeJS.ProcessEnv = process.env) {
    this.#options = options;
    this.#environment = environment;
    this.#direct = new Agent({ connect: connect ?? { timeout: connectMs, allowH2: false }, ...options });
  }

  /** Whether requests to a host go through a proxy, which then resolves the host name. */
  isProxied(url: URL): boolean {
    return proxyFor(url, this.#environment) !== undefined;
  }

  for(url: URL): Dispatcher {
    const uri = proxyFor(url, this.#environment);
    if (uri === undefined) return this.#direct;
    const tls = { allowH2: false };
    const proxy =
      this.#proxies.get(uri) ??
      new ProxyAgent({
        uri,
        connectTimeout: connectMs,
        allowH2: false,
        requestTls: tls,
        proxyTls: tls,
        ...this.#options,
      });
    this.#proxies.set(uri, proxy);
    return proxy;
  }

  /** Closes all connections. */
  async destroy(): Promise<void> {
    await Promise.all([this.#direct, ...this.#proxies.values()].map((each) => each.destroy()));
  }
}

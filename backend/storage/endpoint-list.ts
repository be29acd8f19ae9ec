import { z } from "zod";
import { comparableHost } from "../../shared/ip-address.ts";

/** Endpoints that an operator allows: one host, or all hosts below a domain. */
type Endpoint = {
  /** As in a URL, with brackets around IPv6. For all hosts below a domain, the domain with a leading dot. */
  readonly host: string;
  readonly isDomain: boolean;
  /** Undefined for any. */
  readonly port: number | undefined;
};
export type EndpointList = readonly Endpoint[];

/** `host`, `host:port`, `*.domain` or `*.domain:port`. An IPv6 host is in brackets. */
const grammar = /^(\*\.)?([^\s:/?#@[\]\\*]+|\[[\d.:a-f]+\])(?::(\d{1,5}))?$/i;

const parseEndpoint = (entry: string): Endpoint | undefined => {
  const [, star, name = "", port] = grammar.exec(entry) ?? [];
  const isDomain = star !== undefined;
  // URL parsing normalizes names and addresses in the same way as those in the URLs they are compared with
  const url = `http://${isDomain ? "x." : ""}${name}:${port ?? 80}`;
  if (name === "" || !URL.canParse(url)) return undefined;
  const host = comparableHost(new URL(url).hostname);
  return { host: isDomain ? host.slice(1) : host, isDomain, port: port === undefined ? undefined : Number(port) };
};

/** Parses storage endpoints as written in `STORAGE_ENDPOINTS`: comma-separated entries. */
export const EndpointListSchema = z.string().transform((text, context): EndpointList => {
  const list: Endpoint[] = [];
  for (const entry of text.split(",").map((each) => each.trim())) {
    const endpoint = parseEndpoint(entry);
    if (endpoint === undefined) {
      context.addIssue({
        code: "custom",
        message: `must be host[:port] or *.domain[:port] with commas between, not '${entry}'`,
      });
    } else list.push(endpoint);
  }
  return list;
});

/** Validates such a list but keeps its text, for code that only passes it on. */
export const EndpointListTextSchema = z.string().superRefine((text, context) => {
  for (const { message } of EndpointListSchema.safeParse(text).error?.issues ?? []) {
    context.addIssue({ code: "custom", message });
  }
});

/**
 * How a list allows the endpoint: by its exact host, or below a domain. Undefined if it does not.
 * @param hostname as in a URL; IPv6 with or without brackets
 */
export const listedAs = (list: EndpointList, hostname: string, port: number): "host" | "domain" | undefined => {
  const host = comparableHost(hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname);
  const found = list.filter(
    (each) =>
      (each.port === undefined || each.port === port) &&
      (each.isDomain ? host.endsWith(each.host) : host === each.host),
  );
  if (found.length === 0) return undefined;
  return found.some(({ isDomain }) => !isDomain) ? "host" : "domain";
};

/** Formats a list as an operator would write it. */
export const formatEndpoints = (list: EndpointList): string =>
  list
    .map(({ host, isDomain, port }) => `${isDomain ? "*" : ""}${host}${port === undefined ? "" : `:${port}`}`)
    .join(", ");

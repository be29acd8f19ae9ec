/**
 * Where no store can be. Whoever names a storage endpoint has machines of others dial it, so that addresses at which those
 * find what is theirs alone, such as the credentials that clouds hand out to a node, are never dialled for a user.
 */

/** IPv4 addresses have their place among those of IPv6, ::ffff:0:0/96 (RFC 4291, section 2.5.5.2). */
const mapped = 0xffffn << 32n;
const lowest32 = 0xffffffffn;

/** An IP address, of IPv6 without brackets, as a number of 128 bits; undefined for anything else. */
const valueOf = (text: string): bigint | undefined => {
  // a link-local address may name its interface
  const address = text.replace(/%.*$/s, "");
  const numbers = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (numbers !== undefined) {
    if (numbers.some((number) => number > 255)) return undefined;
    return numbers.reduce((value, number) => (value << 8n) | BigInt(number), 0xffffn);
  }
  if (!/^[\d.:a-f]*:[\d.:a-f]*$/i.test(address) || !URL.canParse(`http://[${address}]`)) return undefined;
  // the one way to write it: without an IPv4 address at its end, and with at most one ::
  const [head = [], tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::").map(groupsOf);
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array.from({ length: zeros }, () => 0n), ...(tail ?? [])].reduce(
    (value, group) => (value << 16n) | group,
    0n,
  );
};

const groupsOf = (part: string): bigint[] => (part === "" ? [] : part.split(":").map((group) => BigInt(`0x${group}`)));

type Block = { readonly prefix: bigint; readonly freeBits: bigint };

/** @param cidr an address, and how many of its first bits count: `10.0.0.0/8` */
const block = (cidr: string): Block => {
  const [address = "", bits = ""] = cidr.split("/");
  const value = valueOf(address);
  if (value === undefined) throw new RangeError(`'${cidr}' is no block of addresses`);
  const freeBits = BigInt((address.includes(":") ? 128 : 32) - Number(bits));
  return { prefix: value >> freeBits, freeBits };
};

const isIn = (value: bigint, { prefix, freeBits }: Block): boolean => value >> freeBits === prefix;

const loopback = ["127.0.0.0/8", "::1/128"].map(block);

/** What is never a store's, and why: the registries of special-purpose addresses (RFC 6890), and what clouds add. */
const refused: readonly (readonly [what: string, blocks: readonly Block[]])[] = [
  // to dial it is to dial this very machine
  ["an address that names no host", ["0.0.0.0/8", "::/128"].map(block)],
  // also the metadata of AWS, Azure, Google Cloud and others
  ["a link-local address", ["169.254.0.0/16", "fe80::/10"].map(block)],
  ["a multicast address", ["224.0.0.0/4", "ff00::/8"].map(block)],
  // also broadcast, Oracle Cloud's older metadata and Teredo's tunnels
  ["a reserved address", ["192.0.0.0/24", "240.0.0.0/4", "2001::/32"].map(block)],
  [
    "an address at which a cloud tells its machines what is theirs alone",
    // Alibaba Cloud, Azure, AWS, Google Cloud
    ["100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::254/128"].map(block),
  ],
];

/** Addresses of IPv6 that stand for one of IPv4, and where in their bits it is, counted from the last one. */
const embeddings: readonly (readonly [block: Block, at: bigint])[] = [
  // compatible and translated ones (RFC 4291, RFC 2765)
  [block("::/96"), 0n],
  [block("::ffff:0:0:0/96"), 0n],
  // behind NAT64 (RFC 6052, RFC 8215)
  [block("64:ff9b::/96"), 0n],
  [block("64:ff9b:1::/48"), 0n],
  // 6to4 (RFC 3056)
  [block("2002::/16"), 80n],
];

/** The address itself, and the one that it stands for. */
const meanings = (value: bigint): readonly bigint[] => [
  value,
  ...embeddings.filter(([each]) => isIn(value, each)).map(([, at]) => mapped | ((value >> at) & lowest32)),
];

/** Whether an IP address, of IPv6 without brackets, is that of whoever dials it. */
export const isLoopback = (address: string): boolean => {
  const value = valueOf(address);
  return value !== undefined && meanings(value).some((each) => loopback.some((within) => isIn(each, within)));
};

/**
 * Why no store can be at an IP address, of IPv6 without brackets: what the address is, `a link-local address`. Undefined where
 * a store can be, which goes for loopback and private addresses.
 */
export const refusedAddress = (address: string): string | undefined => {
  const value = valueOf(address);
  if (value === undefined) return "no IP address";
  if (isLoopback(address)) return undefined;
  const all = meanings(value);
  return refused.find(([, blocks]) => all.some((each) => blocks.some((within) => isIn(each, within))))?.[0];
};

/** Names of what is refused by its address, too, where clouds resolve them. */
const metadataNames: ReadonlySet<string> = new Set([
  "instance-data.ec2.internal",
  "metadata.google.internal",
  "metadata.goog",
  "metadata.tencentyun.com",
]);

/** A URL's host name as names are compared: without the dot that may end it. */
export const comparableHost = (hostname: string): string => hostname.toLowerCase().replace(/\.$/, "");

const withoutBrackets = (hostname: string): string => comparableHost(hostname).replaceAll(/^\[|\]$/g, "");

/** Whether the host name of a URL is that of whoever dials it, as far as it tells. */
export const isLoopbackHost = (hostname: string): boolean => {
  const host = withoutBrackets(hostname);
  return host === "localhost" || host.endsWith(".localhost") || isLoopback(host);
};

/** Why no store can be at the host of a URL, as far as its name tells: most names can only be judged when they are resolved. */
export const refusedHost = (hostname: string): string | undefined => {
  const host = withoutBrackets(hostname);
  if (metadataNames.has(host)) return "the name of a cloud's metadata";
  return valueOf(host) === undefined ? undefined : refusedAddress(host);
};

/** The groups of an IPv6 address that name a network: a client usually has all addresses of such a /64 (RFC 6177). */
const networkGroups = 4;

/** The first groups of an IPv6 address, zeros written out. */
const networkOf = (address: string): string => {
  const [before = "", after] = address.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = after === undefined ? 0 : Math.max(0, 2 * networkGroups - head.length - tail.length);
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail];
  return `${groups.slice(0, networkGroups).join(":")}::/64`;
};

/**
 * Where a request comes from, as Cloudflare says: an IPv4 address, or an IPv6 network. Clients cannot set this header, as
 * Cloudflare writes it anew.
 */
export const clientAddress = (request: Request): string => {
  const address = request.headers.get("CF-Connecting-IP")?.toLowerCase() ?? "unknown";
  return address.includes(":") && !address.includes(".") ? networkOf(address) : address;
};

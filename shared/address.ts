/**
 * Storage addresses.
 *
 * `http(s)://endpoint/bucket/key` is an object in an S3-compatible store (path style), `file:///…` a file. An endpoint may
 * have a path of its own, as the local R2 of `wrangler dev` has; such paths are known by name, and the longest match wins.
 * `s3://bucket/key` names no endpoint: that is the job's `s3Endpoint`, else what the runner's environment says.
 */

import { decodeEscapes, encodeEscapes } from "./byte-text.ts";

export type S3Address = {
  readonly scheme: "s3";
  /** Origin and path of the endpoint, without a trailing slash: `http://localhost:4750/cdn-cgi/local/r2/s3`. Or `unnamedEndpoint`. */
  readonly endpoint: string;
  /** Empty when the address names the endpoint alone. */
  readonly bucket: string;
  /** Percent-decoded, without a leading slash; empty for the bucket itself. */
  readonly key: string;
};

export type FileAddress = {
  readonly scheme: "file";
  /** Absolute and percent-decoded; keeps a trailing slash. Bytes that are no UTF-8 are as in `byte-text.ts`. */
  readonly path: string;
};

export type Address = S3Address | FileAddress;

/** An address that may be a pattern. */
export type InputAddress = {
  /** The address where every character stands for itself. */
  readonly address: Address;
  /** The key or path as it was written, percent-encoded: there a wildcard differs from a character that reads like one. */
  readonly written: string;
};

/** The endpoint path of the S3 interface that `wrangler dev` serves for its local R2 buckets. */
export const localR2EndpointPath = "/cdn-cgi/local/r2/s3";

/** In place of an endpoint where an address names none. */
export const unnamedEndpoint = "s3:/";

const endpointPaths = [localR2EndpointPath];

/** An address that cannot be understood; the message names the cure and is meant for the user. */
export class AddressError extends Error {
  override name = "AddressError";
}

/** @returns the text, in which bytes that are no UTF-8 are as in `byte-text.ts` */
const decode = (text: string): string => {
  if (!/%(?![0-9a-f]{2})/i.test(text)) return decodeEscapes(text);
  throw new AddressError("holds a % that does not begin an escape such as %20; write a plain % as %25");
};

const originOf = (scheme: string, authority: string): string => {
  const url = URL.canParse(`${scheme}://${authority}`) ? new URL(`${scheme}://${authority}`) : undefined;
  // Anything besides host and port would be dropped without a word.
  if (url?.href !== `${url?.origin}/`) throw new AddressError(`'${authority}' is not a host or host:port`);
  return url.origin;
};

const encodeKey = (key: string): string => key.split("/").map(encodeEscapes).join("/");

/**
 * Reads an address as a user writes it.
 *
 * @param text an `http:`, `https:`, `s3:` or `file:` URL, or `host[:port]/bucket/key` without a scheme
 * @param useSSL whether an address without a scheme means `https`
 * @throws AddressError with what is wrong
 */
export const parseAddress = (text: string, useSSL: boolean): Address => parseInput(text, useSSL).address;

/** Reads an address that may be a pattern, as `parseAddress` does. @throws AddressError with what is wrong */
export const parseInput = (text: string, useSSL: boolean): InputAddress => {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${useSSL ? "https" : "http"}://${text}`;
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(\/.*)?$/is.exec(withScheme);
  const scheme = match?.[1]?.toLowerCase();
  const authority = match?.[2] ?? "";
  const path = match?.[3] ?? "";
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused here
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new AddressError("holds a control character");
  if (!text.isWellFormed()) throw new AddressError("is not Unicode text: it holds half of a surrogate pair");
  if (scheme === "file") return { address: fileAddress(authority, path), written: path };
  if (scheme !== "http" && scheme !== "https" && scheme !== "s3") {
    throw new AddressError(`must begin with http://, https://, s3:// or file://, not ${scheme ?? "nothing"}://`);
  }
  if (authority.includes("@")) throw new AddressError("must not hold credentials; send them as storage credentials");
  if (scheme === "s3") {
    if (authority.includes(":"))
      throw new AddressError("must be s3://bucket/key; a host and port are written http://host:port");
    const written = path.slice(1);
    return { address: s3Address(unnamedEndpoint, authority, written), written };
  }
  const origin = originOf(scheme, authority);
  const own =
    endpointPaths
      .filter((prefix) => path === prefix || path.startsWith(`${prefix}/`))
      .sort((a, b) => b.length - a.length)[0] ?? "";
  const [bucket = "", ...key] = path.slice(own.length).replace(/^\//, "").split("/");
  const written = key.join("/");
  return { address: s3Address(origin + own, bucket, written), written };
};

const fileAddress = (authority: string, path: string): FileAddress => {
  if (authority !== "" && authority !== "localhost") throw new AddressError("must be file:///path, without a host");
  const file = decode(path);
  if (file === "") throw new AddressError("must be file:///path");
  if (file.includes("\0")) throw new AddressError("holds a NUL");
  if (file.split("/").includes("..")) throw new AddressError("must not hold '..'");
  return { scheme: "file", path: file };
};

/** @param bucket percent-encoded, as is `key` */
const s3Address = (endpoint: string, bucket: string, key: string): S3Address => {
  const address: S3Address = { scheme: "s3", endpoint, bucket: decode(bucket), key: decode(key) };
  if (!address.bucket.isWellFormed() || !address.key.isWellFormed()) {
    throw new AddressError("must be in UTF-8, as keys are: its escapes stand for other bytes");
  }
  if (address.bucket === "" && address.key !== "") throw new AddressError("has an empty bucket name");
  // HTTP clients resolve these before they send a request, which would then name something else.
  if ([address.bucket, ...address.key.split("/")].some((segment) => segment === "." || segment === "..")) {
    throw new AddressError("must not hold '.' or '..' between slashes");
  }
  return address;
};

/** The URL of an address, in which no character is a wildcard: `parseAddress` and `parseInput` give the address back. */
export const formatAddress = (address: Address): string => {
  if (address.scheme === "file") return `file://${encodeKey(address.path)}`;
  const { endpoint, bucket, key } = address;
  if (bucket === "") return endpoint === unnamedEndpoint ? `${endpoint}/` : endpoint;
  const root = `${endpoint}/${encodeEscapes(bucket)}`;
  return key === "" ? root : `${root}/${encodeKey(key)}`;
};

/** The URL of an address that may be a pattern: `parseInput` gives it back. */
export const formatInput = ({ address, written }: InputAddress): string => {
  const root = address.scheme === "file" ? "file://" : `${formatAddress({ ...address, key: "" })}/`;
  return written === "" ? formatAddress(address) : root + written;
};

/** The address of `name` (which may hold slashes) below `folder`. */
export const joinAddress = (folder: Address, name: string): Address => {
  const below = (prefix: string): string =>
    prefix === "" || prefix.endsWith("/") ? prefix + name : `${prefix}/${name}`;
  return folder.scheme === "file" ? { ...folder, path: below(folder.path) } : { ...folder, key: below(folder.key) };
};

/** The part of an address that tells objects of one store apart: the key, or the path of a file. */
export const keyOf = (address: Address): string => (address.scheme === "file" ? address.path : address.key);

/** Whether an address names a folder: a bucket alone, or all below a prefix that ends in `/`. */
export const isFolder = (address: Address): boolean => {
  const key = keyOf(address);
  return key === "" || key.endsWith("/");
};

/** The address of another key in the same store and bucket. */
export const withKey = (address: Address, key: string): Address =>
  address.scheme === "file" ? { ...address, path: key } : { ...address, key };

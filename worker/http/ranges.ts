/** Bytes, both ends included. */
export type ByteRange = { readonly first: number; readonly last: number };

/**
 * The bytes that a `Range` header asks for (RFC 9110, section 14.1.2). A header that is no single range of bytes is ignored, as it may be.
 *
 * @returns undefined where all is to be sent
 */
export const byteRangeOf = (header: string | null, length: number): ByteRange | "unsatisfiable" | undefined => {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  if (from === "") {
    const suffix = Math.min(Number(to), length);
    return suffix === 0 ? "unsatisfiable" : { first: length - suffix, last: length - 1 };
  }
  const [first, last] = [Number(from), to === "" ? Infinity : Number(to)];
  if (last < first) return undefined;
  return first >= length ? "unsatisfiable" : { first, last: Math.min(last, length - 1) };
};

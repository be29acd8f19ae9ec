/**
 * Bytes as text, also where they are no UTF-8, as names of files may be: a byte that is none is the lone surrogate U+DC00 plus the
 * byte, which no UTF-8 decodes to (as in PEP 383, "surrogateescape").
 */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A byte that is no UTF-8, in text. */
const loneByte = /([\udc80-\udcff])/u;

const decoded = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
};

/** The bytes of the character that begins so, in UTF-8. */
const lengthOf = (first: number): number => {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
};

/** The text of bytes, whatever they are. */
export const textOfBytes = (bytes: Uint8Array): string => {
  const whole = decoded(bytes);
  if (whole !== undefined) return whole;
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] ?? 0;
    const character = decoded(bytes.subarray(at, at + lengthOf(first)));
    text += character ?? String.fromCharCode(0xdc00 + first);
    at += character === undefined ? 1 : lengthOf(first);
  }
  return text;
};

/** Text in which percent-encoded bytes stand, decoded. @param text holds no `%` but those of escapes */
export const decodeEscapes = (text: string): string =>
  text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    textOfBytes(Uint8Array.from(escapes.slice(1).split("%"), (byte) => Number.parseInt(byte, 16))),
  );

/** A text percent-encoded, such that `decodeEscapes` gives it back. */
export const encodeEscapes = (text: string): string => {
  // It leaves the star, which is a wildcard where an address is read as a pattern.
  if (text.isWellFormed()) return encodeURIComponent(text).replaceAll("*", "%2A");
  const parts = text.split(loneByte);
  return parts.map((part, index) => (index % 2 === 1 ? encodeByte(part) : encodeEscapes(part))).join("");
};

const encodeByte = (lone: string): string => `%${(lone.charCodeAt(0) - 0xdc00).toString(16).toUpperCase()}`;

/** The bytes that `textOfBytes` gives this text of. */
export const bytesOfText = (text: string): Uint8Array => {
  const parts = text.split(loneByte);
  const bytes = parts.flatMap((part, index) =>
    index % 2 === 1 ? [part.charCodeAt(0) - 0xdc00] : Array.from(encoder.encode(part)),
  );
  return Uint8Array.from(bytes);
};

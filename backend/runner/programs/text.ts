import { isAscii, isUtf8 } from "node:buffer";

/** Longer texts are encoded by the engine, shorter ones here: a call into it costs more than a few bytes. */
const shortText = 64;

/** Longer texts are looked through by the engine, too, shorter ones here. */
const longestScanned = 512;

/** The bytes are not valid UTF-8. */
class InvalidUtf8Error extends Error {
  override readonly name = "InvalidUtf8Error";

  /** @param offset the first byte that is not part of a character, counted from the start of the text */
  constructor(offset: number) {
    super(`invalid UTF-8 at byte ${offset}`);
  }
}

/** All ASCII texts of one and two characters. Counts and flags are decoded so often that a lookup pays off. */
const oneCharacter = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
const twoCharacters = oneCharacter.flatMap((first) => oneCharacter.map((second) => first + second));

/** Decodes the UTF-8 text in `[start, end)`. Never returns a replacement character for invalid bytes. @throws InvalidUtf8Error */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  if (end - start <= 2) {
    const first = bytes[start] ?? 0;
    const second = bytes[start + 1] ?? 0;
    if (end === start) return "";
    if (end - start === 1 && first < 0x80) return oneCharacter[first] ?? "";
    if (end - start === 2 && (first | second) < 0x80) return twoCharacters[first * 128 + second] ?? "";
  }
  if (end - start <= longestScanned) {
    let at = start;
    while (at < end && (bytes[at] ?? 0) < 0x80) at++;
    if (at === end) return bytes.toString("latin1", start, end);
  }
  const part = bytes.subarray(start, end);
  if (isAscii(part)) return part.toString("latin1");
  if (!isUtf8(part)) throw new InvalidUtf8Error(invalidOffset(part));
  return part.toString("utf8");
}

/** Decodes the text in `[start, end)`, which has only characters of ASCII. */
export const decodeAscii = (bytes: Buffer, start: number, end: number): string => bytes.toString("latin1", start, end);

/** Returns the length of the longest valid prefix. */
function invalidOffset(part: Buffer): number {
  // Decoding replaces invalid bytes, so the re-encoded text first differs there, or up to 3 bytes into the invalid sequence.
  const replaced = Buffer.from(part.toString("utf8"));
  let offset = 0;
  while (offset < part.length && part[offset] === replaced[offset]) offset++;
  while (!isUtf8(part.subarray(0, offset))) offset--;
  return offset;
}

/**
 * Writes text as UTF-8 at `offset`. Unpaired surrogates become U+FFFD. The target must have room for 3 bytes per UTF-16 unit.
 * @returns how many bytes it wrote
 */
export function encodeUtf8(text: string, target: Buffer, offset: number): number {
  const { length } = text;
  if (length > shortText) return target.write(text, offset, "utf8");
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return target.write(text, offset, "utf8");
    target[offset + index] = unit;
  }
  return length;
}

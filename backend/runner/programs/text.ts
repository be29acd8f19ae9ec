import { isUtf8 } from "node:buffer";

/** Longer pieces of text are encoded by the engine, shorter ones here: a call costs more than a few bytes. */
const shortText = 64;

/** Bytes are not valid UTF-8. */
class InvalidUtf8Error extends Error {
  override readonly name = "InvalidUtf8Error";

  /** @param offset of the first byte that is not part of a character, from the beginning of the text */
  constructor(offset: number) {
    super(`invalid UTF-8 at byte ${offset}`);
  }
}

/** The ASCII texts of one and two characters: counts and flags are decoded so often that looking them up pays. */
const oneCharacter = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
const twoCharacters = oneCharacter.flatMap((first) => oneCharacter.map((second) => first + second));

/** The UTF-8 text in `[start, end)`. @throws InvalidUtf8Error, never a replacement character */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  if (end - start <= 2) {
    const first = bytes[start] ?? 0;
    const second = bytes[start + 1] ?? 0;
    if (end === start) return "";
    if (end - start === 1 && first < 0x80) return oneCharacter[first] ?? "";
    if (end - start === 2 && (first | second) < 0x80) return twoCharacters[first * 128 + second] ?? "";
  }
  let at = start;
  while (at < end && (bytes[at] ?? 0) < 0x80) at++;
  if (at === end) return bytes.toString("latin1", start, end);
  const part = bytes.subarray(start, end);
  if (!isUtf8(part)) throw new InvalidUtf8Error(invalidOffset(part));
  return part.toString("utf8");
}

/** The length of the longest valid beginning. */
function invalidOffset(part: Buffer): number {
  // Decoding replaces what is invalid, so the text's own bytes first differ there, or up to 3 bytes into the bad sequence.
  const replaced = Buffer.from(part.toString("utf8"));
  let offset = 0;
  while (offset < part.length && part[offset] === replaced[offset]) offset++;
  while (!isUtf8(part.subarray(0, offset))) offset--;
  return offset;
}

/**
 * Writes text as UTF-8 at `offset`; unpaired surrogates become U+FFFD. There must be room for 3 bytes a UTF-16 unit.
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

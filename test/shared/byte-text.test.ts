import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOfText, decodeEscapes, encodeEscapes, textOfBytes } from "../../shared/byte-text.ts";

test("any bytes become text and turn back into the same bytes", () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.string({ unit: "binary", maxLength: 4 }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 5 }), (parts) => {
      const bytes = Uint8Array.from(parts.flatMap((part) => Array.from(part)));
      const text = textOfBytes(bytes);
      expect(bytesOfText(text)).toEqual(bytes);
      expect(decodeEscapes(encodeEscapes(text))).toBe(text);
      expect(encodeEscapes(text)).toMatch(/^[\w.!~'()%-]*$/);
    }),
    { numRuns: 2000, seed: 8 },
  );
});

test.each([
  ["caf\u00e9", [0x63, 0x61, 0x66, 0xc3, 0xa9]],
  ["caf\udce9", [0x63, 0x61, 0x66, 0xe9]],
  ["\udced\udca0\udc80", [0xed, 0xa0, 0x80]],
  ["\udcc0\udcaf", [0xc0, 0xaf]],
  ["\ufeffa", [0xef, 0xbb, 0xbf, 0x61]],
])("%j has the bytes %j", (text, bytes) => {
  expect(textOfBytes(Uint8Array.from(bytes))).toBe(text);
  expect(Array.from(bytesOfText(text))).toEqual(bytes);
});

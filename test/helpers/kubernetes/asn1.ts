/** The subset of DER, the encoding of ASN.1 used for certificates (ITU-T X.690), that the tests need. */

const lengthOf = (bytes: number): number[] => {
  if (bytes < 0x80) return [bytes];
  const octets: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
};

const element = (tag: number, ...contents: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
};

export const sequence = (...items: readonly Uint8Array[]): Buffer => element(0x30, ...items);
export const setOf = (...items: readonly Uint8Array[]): Buffer => element(0x31, ...items);
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]));
export const octetString = (bytes: Uint8Array): Buffer => element(0x04, bytes);
export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text));

/** A non-negative integer, from big-endian bytes. */
export const integer = (bytes: Uint8Array): Buffer => {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Buffer.from([0]) : bytes.subarray(start);
  return element(0x02, (digits[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), digits);
};

/** A bit string whose last `unused` bits do not count. */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), bytes);

/** An object identifier, such as `2.5.4.3`. */
export const objectId = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  const octets = [first * 40 + second, ...others].flatMap((arc) => {
    const digits = [arc % 128];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest % 128));
    return digits;
  });
  return element(0x06, Buffer.from(octets));
};

/** A time, to the second. */
export const generalizedTime = (time: Date): Buffer =>
  element(
    0x18,
    Buffer.from(
      time
        .toISOString()
        .replaceAll(/[-:T]/g, "")
        .replace(/\.\d+Z$/, "Z"),
    ),
  );

/** A tagged part of a structure; `constructed` if it holds elements rather than bytes. */
export const tagged = (
  number: number,
  content: Uint8Array,
  { constructed }: { readonly constructed: boolean },
): Buffer => element((constructed ? 0xa0 : 0x80) | number, content);

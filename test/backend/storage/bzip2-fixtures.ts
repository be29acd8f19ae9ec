/** Output of bzip2 1.0.8, which need not be installed on this machine. */
const fixtures = {
  one: "QlpoMTFBWSZTWXgTwIIAAAHBAAAQAgGgACGaaDNNDLxdyRThQkHgTwII",
  two: "QlpoMTFBWSZTWS63GtcAAAFBgAAQAACEgCAAIZpoM00HPF3JFOFCQLrca1w=",
  empty: "QlpoMRdyRThQkAAAAAA=",
  zeros: "QlpoOTFBWSZTWaI9S1gAQEBAgMAAAAQACCAAMMwFKaYBANiAgHi7kinChIUR6lrA",
  lines:
    "QlpoMTFBWSZTWWnOcqUAjgTZAAAQQABuIAIlMAC5ggaBoCaqgGj1ApVNGQNyiE1pEJmiEwiE0iE7RCZohOKITCITiUqXRSpaJQJolAmEoEwlAnxKBMJQJ+YoKyTKayMeMT4AEmLbIAACCAANxABEpgAXMEDQNATVUA0eoFKkMgblEJlEJ0iExpEJqiE7ohMohMIhOKITgpUuZSpaJQJolAmEoEwlAnxKBMJQJ+YoKyTKaz4O0nUAAdB7IAACCAANxABEpAASQTVUGgeoFKo0yaDFAzQOqBpA0gdoGaBwgcoGEDKBtKKbkUWSKLJFF9IoskUX4u5IpwoSDNWJW6A=",
  bytes:
    "QlpoMTFBWSZTWTCdnL4AAAB/////////////////////////////////////////////sADNjIAAAAAAAAAACYAAAAAAAAAABMAAAAAAAAAAAAAAAAAAJgJg5AAACYAAAJgmAAAAAAAACYAAAAAABMCYAAAAAJgAEwAAAAAAAJMABMAATAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAqYQNiBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorYy0tLi8wMS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYgP0yMYFkBz0D7soKACAQAzM7Q0/tqa2xtbm9wcXJzdHV2d3h5ent8fX5/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlf5LS8xMzU3/Zydnp+goaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2+/1/gYOFh4mLjY+Rk5WXmf/Nzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl6uvs7e7v8PHy8/96evt7/HzK/Uz//v8/RdyRThQkDCdnL4A=",
};

type Bzip2Fixture = { readonly compressed: Buffer; readonly content: Buffer };

const fixture = (compressed: string, content: Buffer): Bzip2Fixture => ({
  compressed: Buffer.from(compressed, "base64"),
  content,
});

const numbered = Array.from({ length: 30_000 }, (_, index) => `line ${(index * index) % 11}\n`).join("");
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

export const bzip2Fixtures = {
  one: fixture(fixtures.one, Buffer.from("one\n")),
  two: fixture(fixtures.two, Buffer.from("two\n")),
  empty: fixture(fixtures.empty, Buffer.alloc(0)),
  /** Ten blocks in some fifty bytes. */
  zeros: fixture(fixtures.zeros, Buffer.alloc(8 * 1024 * 1024)),
  /** More than one block of 100,000 bytes. */
  lines: fixture(fixtures.lines, Buffer.from(numbered)),
  /** All byte values, and runs of 4, 5 and 300. */
  bytes: fixture(fixtures.bytes, Buffer.concat([everyByte, Buffer.from(`aaaabbbbb${"c".repeat(300)}`)])),
};

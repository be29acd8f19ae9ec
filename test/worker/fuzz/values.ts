import * as fc from "fast-check";

/** Texts known to break parsers, databases and languages. */
const oddTexts = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udc00\ud800",
  "\ufeff",
  "\u202e\u200b",
  "İ\u0307ﬃ𝔘\u{10ffff}",
  "é\u0301".normalize("NFD"),
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "null",
  "undefined",
  "NaN",
  "-0",
  "1e999",
  "0x10",
  "..",
  "../../etc/passwd",
  "..%2f..%2f",
  "%00",
  "%",
  "%zz",
  "'; DROP TABLE job; --",
  "${7*7}{{7*7}}",
  "\r\nSet-Cookie: a=b",
  "http://",
  "http://[::1",
  "file:///../x",
  "s3://b/k",
];

/** Keys that have a meaning for JavaScript objects. */
export const oddKeys = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "then",
  "toJSON",
  "length",
  "0",
  "",
  "\ud800",
];

const longText = fc.integer({ min: 0, max: 17 }).map((power) => "ä".repeat(2 ** power));

export const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: longText },
);

const number = fc.oneof(
  fc.constantFrom(
    0,
    -1,
    1,
    0.5,
    1e308,
    -1e308,
    5e-324,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 53 - 1,
    -(2 ** 53),
    2 ** 63,
    1e21,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);

const deep = fc.integer({ min: 1, max: 2000 }).map((depth) => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
});

/** An object with arbitrary keys. `__proto__` becomes an own key, as in JSON. */
const objectOf = (entries: readonly (readonly [string, unknown])[]): unknown => Object.fromEntries(entries);

/** Any JSON, mostly values that are wrong where they are used. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 4, arbitrary: number },
  { weight: 3, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { "": null }) },
  { weight: 1, arbitrary: deep },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.tuple(fc.constantFrom(...oddKeys), fc.jsonValue({ maxDepth: 2 })), { maxLength: 4 })
      .map(objectOf),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
);

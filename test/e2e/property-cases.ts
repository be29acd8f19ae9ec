import { gzipSync, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { isPlainText } from "../../backend/runner/input/object-head.ts";

/** The jobs of the property test: some known hard cases, and random ones from a fixed seed. */

const packers = {
  "": (content: Buffer): Buffer => content,
  ".gz": (content: Buffer): Buffer => gzipSync(content),
  ".zst": (content: Buffer): Buffer => zstdCompressSync(content),
} as const;

export type InputObject = { readonly content: Buffer; readonly packed: keyof typeof packers };
export type ProgramKind = "executable" | "module" | "builtin";
export type StoreKind = "s3" | "file";

export type PropertyCase = {
  readonly name: string;
  readonly objects: readonly InputObject[];
  /** How several inputs are named. A single object is named by its own URL. */
  readonly address: "prefix" | "glob";
  readonly input: StoreKind;
  readonly output: StoreKind;
  readonly mapper: ProgramKind;
  readonly reducer: ProgramKind;
  readonly nReducers: number;
  readonly splitSize: number;
};

export const packed = ({ content, packed: how }: InputObject): Buffer => packers[how](content);

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

const oddLines = ["", "\r", "\t", "\tv", "k\t", "\0", "a\0b\tc\0", "\xff\xfe\tx", "\xc3\x28", "no tab", "a\tb\tc"];

const line: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.nat(40), fc.nat(1000)).map(([key, value]) => latin1(`k${key}\t${value}`)),
  fc.constantFrom(...oddLines).map(latin1),
);

const content: fc.Arbitrary<Buffer> = fc
  .record({
    lines: fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n")), { maxLength: 120, size: "max" }),
    copies: fc.integer({ min: 1, max: 40 }),
    tail: fc.option(line, { nil: Buffer.alloc(0) }),
  })
  .map(({ lines, copies, tail }) => {
    const block = Buffer.concat(lines.flatMap(([bytes, end]) => [bytes, latin1(end)]));
    return Buffer.concat([...Array.from({ length: copies }, () => block), tail]);
  })
  // Random bytes can look like a binary format, or begin with a byte order mark.
  .filter(isPlainText);

const object = fc.record({
  content,
  packed: fc.constantFrom("", "", ".gz", ".zst"),
}) satisfies fc.Arbitrary<InputObject>;
const programKind = fc.constantFrom<ProgramKind[]>("executable", "module", "builtin");
const storeKind = fc.constantFrom<StoreKind[]>("s3", "file");

const settings = fc.record({
  address: fc.constantFrom("prefix", "glob"),
  input: storeKind,
  output: storeKind,
  mapper: programKind,
  reducer: programKind,
  nReducers: fc.integer({ min: 1, max: 7 }),
});

type Settings = Omit<PropertyCase, "name" | "objects" | "splitSize">;

/** The split size for about `splits` splits, at least one byte. */
const splitSizeOf = (objects: readonly InputObject[], splits: number): number =>
  Math.max(1, Math.ceil(objects.reduce((sum, { content: { length } }) => sum + length, 0) / splits));

const plain = (...contents: readonly Buffer[]): InputObject[] =>
  contents.map((bytes) => ({ content: bytes, packed: "" }));
const megabytes = 1024 * 1024;

const known: readonly (readonly [name: string, objects: readonly InputObject[], splits: number])[] = [
  ["a line of 5 MB and nothing else", plain(Buffer.alloc(5 * megabytes, "x")), 5],
  [
    "a line of 5 MB among short ones",
    plain(Buffer.concat([latin1("a\t1\r\nb\n"), Buffer.alloc(5 * megabytes, "k\t"), latin1("\n\nc")])),
    4,
  ],
  ["one key only", plain(latin1(Array.from({ length: 8000 }, (_, n) => `same\t${n}\n`).join(""))), 5],
  ["only empty lines", plain(latin1("\n".repeat(500)), latin1("\r\n".repeat(500))), 6],
  ["empty objects among others", plain(Buffer.alloc(0), latin1("b\na"), Buffer.alloc(0)), 2],
  ["only empty objects", plain(Buffer.alloc(0), Buffer.alloc(0)), 1],
  ["compressed nothing", [{ content: Buffer.alloc(0), packed: ".gz" }], 1],
];

const random = fc.record({
  objects: fc.array(object, { minLength: 1, maxLength: 3 }),
  splits: fc.integer({ min: 1, max: 9 }),
});

/** @param count the number of random cases */
export const propertyCases = (seed: number, count: number): PropertyCase[] => {
  const allSettings: Settings[] = fc.sample(settings, { seed, numRuns: known.length + count });
  const inputs = fc
    .sample(random, { seed, numRuns: count })
    .map(({ objects, splits }, index) => [`random input ${index} of seed ${seed}`, objects, splits] as const);
  return [...known, ...inputs].flatMap(([name, objects, splits], index) => {
    const chosen = allSettings[index];
    return chosen === undefined ? [] : [{ ...chosen, name, objects, splitSize: splitSizeOf(objects, splits) }];
  });
};

import * as fc from "fast-check";
import type { Aggregate } from "../../../shared/builtin-programs.ts";
import type { BlockSource } from "../../../backend/runner/shuffle/blocks.ts";
import { Cursor } from "../../../backend/runner/shuffle/cursor.ts";
import { VarintReader } from "../../../backend/runner/shuffle/packed.ts";
import { hashKey } from "../../helpers/partition.ts";

/** Records, and a model of what the kernel makes of them. */

export type Record = { readonly key: Buffer; readonly value: Buffer };

/** A record as text. */
const asText = ({ key, value }: Record): string => `${key.toString("hex")} ${value.toString("hex")}`;

/** Returns the records of each partition as text, in the order that a reduce gets them. */
export const sortedTexts = (records: readonly Record[], partitions: number): string[][] =>
  Array.from({ length: partitions }, (_, partition) =>
    records
      .filter(({ key }) => hashKey(key, 0, key.length) % partitions === partition)
      .toSorted((a, b) => Buffer.compare(a.key, b.key))
      .map(asText),
  );

/** Returns the lines that an aggregate makes of the records, in the order of keys. */
export const aggregatedLines = (records: readonly Record[], aggregate: Aggregate): string[] => {
  const values = Map.groupBy(
    records.toSorted((a, b) => Buffer.compare(a.key, b.key)),
    ({ key }) => key.toString("latin1"),
  );
  return Array.from(values, ([key, all]) => {
    const value = folded(
      aggregate,
      all.map((each) => each.value.toString("latin1")),
    );
    return value === "" ? `${key}\n` : `${key}\t${value}\n`;
  });
};

const folded = (aggregate: Aggregate, [first = "", ...others]: readonly string[]): string => {
  const numbers = (fold: (a: bigint, b: bigint) => bigint): string =>
    others.reduce((before, value) => fold(before, BigInt(value)), BigInt(first)).toString();
  switch (aggregate) {
    case "sum":
      return numbers((a, b) => a + b);
    case "min":
      return numbers((a, b) => (b < a ? b : a));
    case "max":
      return numbers((a, b) => (b > a ? b : a));
    case "count":
      return String(1 + others.length);
    case "first":
      return first;
    case "uniq":
      return "";
  }
};

/** Reads blocks. @returns the records as text @throws Error if a piece is not what `segment.ts` says */
export const readTexts = (blocks: BlockSource): string[] => {
  const cursor = new Cursor(blocks);
  const reader = new VarintReader();
  const texts: string[] = [];
  let key = "";
  while (cursor.next()) {
    const now = cursor.bytes.toString("hex", cursor.keyStart, cursor.keyEnd);
    const isSame = texts.length > 0 && now === key;
    if (cursor.continued !== isSame) throw new Error(`a piece of the key ${now} is ${isSame ? "not " : ""}continued`);
    key = now;
    reader.at = cursor.valuesStart;
    let values = 0;
    for (; reader.at < cursor.valuesEnd; values++) {
      const length = reader.read(cursor.bytes);
      texts.push(`${key} ${cursor.bytes.toString("hex", reader.at, reader.at + length)}`);
      reader.at += length;
    }
    if (values !== cursor.count || reader.at !== cursor.valuesEnd) throw new Error(`a piece of ${key} is wrong`);
  }
  return texts;
};

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength, size: "max" }).map((array) => Buffer.from(array));

/** Few keys or many; long common prefixes; zeros; values that repeat, and values longer than a block of the arena. */
const record: fc.Arbitrary<Record> = fc.record({
  key: fc.oneof(
    bytes(3),
    bytes(12),
    fc.array(fc.constantFrom(0, 1), { maxLength: 20 }).map((array) => Buffer.from(array)),
    fc.nat(999).map((n) => Buffer.from(`beginning${String(n).padStart(3, "0")}`)),
    fc.nat(9).map((n) => Buffer.from(`a common beginning, then ${n}`)),
    fc.nat(300).map((length) => Buffer.alloc(length, "long ")),
  ),
  value: fc.oneof(
    bytes(2),
    bytes(200),
    fc.constantFrom("1", "12345678", "12345679", "123456789").map((text) => Buffer.from(text)),
    fc.nat(70_000).map((length) => Buffer.alloc(length, "v")),
  ),
});

/** Records whose values are integers; all sums of them have 64 bits. */
export const numericRecords = (): fc.Arbitrary<Record[]> =>
  fc.array(
    fc.record({
      key: record.map(({ key }) => key),
      value: fc
        .oneof(
          fc.constantFrom("0", "1", "7", "007", "-0", "-12", "0000000000000000000000005"),
          fc.bigInt({ min: -(2n ** 50n), max: 2n ** 50n }).map(String),
        )
        .map((text) => Buffer.from(text)),
    }),
    { maxLength: 400, size: "max" },
  );

/** How often a record comes in a row: seldom so often that its values fill a piece. */
const times = fc.oneof(
  { weight: 900, arbitrary: fc.constant(1) },
  { weight: 100, arbitrary: fc.integer({ min: 2, max: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 20_000 }) },
);

/** Longer records come once. */
const longestRepeated = 32;

/** @param minLength the fewest records */
export const anyRecords = (minLength = 0): fc.Arbitrary<Record[]> =>
  fc
    .array(fc.tuple(record, times), { minLength, maxLength: 400, size: "max" })
    .map((all) =>
      all.flatMap(([each, count]) =>
        Array.from({ length: each.key.length + each.value.length > longestRepeated ? 1 : count }, () => each),
      ),
    );

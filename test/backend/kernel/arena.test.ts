import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../../../backend/runner/shuffle/arena.ts";
import type { BlockSource } from "../../../backend/runner/shuffle/blocks.ts";
import { Cursor } from "../../../backend/runner/shuffle/cursor.ts";
import { VarintReader } from "../../../backend/runner/shuffle/packed.ts";
import { hashKey } from "../../helpers/partition.ts";

type Record = { readonly key: Buffer; readonly value: Buffer };

const addTo = (arena: Pick<Arena, "add">, { key, value }: Record): void => {
  // Both in one buffer, surrounded by other bytes.
  const bytes = Buffer.concat([Buffer.from("<"), key, Buffer.from("|"), value, Buffer.from(">")]);
  const keyEnd = 1 + key.length;
  arena.add(bytes, 1, keyEnd, keyEnd + 1, bytes.length - 1);
};

/** Returns records as text. A continued piece must have the key of the previous one. */
const read = (blocks: BlockSource): string[] => {
  const cursor = new Cursor(blocks);
  const reader = new VarintReader();
  const records: string[] = [];
  let key = "";
  while (cursor.next()) {
    const now = cursor.bytes.toString("hex", cursor.keyStart, cursor.keyEnd);
    expect(cursor.continued).toBe(records.length > 0 && now === key);
    key = now;
    reader.at = cursor.valuesStart;
    let values = 0;
    for (; reader.at < cursor.valuesEnd; values++) {
      const length = reader.read(cursor.bytes);
      records.push(`${key} ${cursor.bytes.toString("hex", reader.at, reader.at + length)}`);
      reader.at += length;
    }
    expect([values, reader.at]).toEqual([cursor.count, cursor.valuesEnd]);
  }
  return records;
};

/** Adds records to an arena. @returns the records of each partition, of each spill and finally of the memory */
const arrange = (records: readonly Record[], partitions: number, memory: number, keysRepeat = false): string[][][] => {
  const spills: string[][][] = [];
  const arena = new Arena(memory, partitions, keysRepeat, (sorted) => spills.push(Array.from(sorted, read)));
  try {
    for (const record of records) addTo(arena, record);
    arena.flush();
    return [...spills, Array.from(arena.sorted(), read)];
  } finally {
    arena.dispose();
  }
};

/** What `arrange` should return for records that fit. */
const expected = (records: readonly Record[], partitions: number): string[][] =>
  Array.from({ length: partitions }, (_, partition) =>
    records
      .filter(({ key }) => hashKey(key, 0, key.length) % partitions === partition)
      .toSorted((a, b) => Buffer.compare(a.key, b.key))
      .map(asText),
  );

/** Fails unless each part has the records that were added after those of the part before, in the right order. */
const expectInOrder = (parts: readonly string[][][], records: readonly Record[]): void => {
  let from = 0;
  for (const part of parts) {
    const count = part.reduce((sum, partition) => sum + partition.length, 0);
    expect(part).toEqual(expected(records.slice(from, from + count), part.length));
    from += count;
  }
  expect(from).toBe(records.length);
};

const asText = ({ key, value }: Record): string => `${key.toString("hex")} ${value.toString("hex")}`;

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength, size: "max" }).map((array) => Buffer.from(array));

/** Few keys or many; long common prefixes; zeros; values longer than a block of the arena. */
const record = fc.record({
  key: fc.oneof(
    bytes(3),
    bytes(12),
    fc.array(fc.constantFrom(0, 1), { maxLength: 20 }).map((array) => Buffer.from(array)),
    fc.nat(9).map((n) => Buffer.from(`a common beginning, then ${n}`)),
    fc.nat(300).map((length) => Buffer.alloc(length, "long ")),
  ),
  value: fc.oneof(
    bytes(2),
    bytes(200),
    fc.nat(70_000).map((length) => Buffer.alloc(length, "v")),
  ),
});

const some = { numRuns: 60, seed: 7 };

describe.each([false, true])("an arena, with keys that are known to repeat: %s", (keysRepeat) => {
  test("sorts by partition and key, with the values of a key in order", () => {
    const samples = fc.array(record, { maxLength: 400, size: "max" });
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 7 }), (records, partitions) => {
        const inMemory = [expected(records, partitions)];
        expect(arrange(records, partitions, 64 * 1024 * 1024, keysRepeat)).toEqual(inMemory);
      }),
      some,
    );
  });

  test("spills what does not fit, in order", () => {
    const samples = fc.array(record, { minLength: 50, maxLength: 400, size: "max" });
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 100_000 }), (records, memory) => {
        expectInOrder(arrange(records, 3, memory, keysRepeat), records);
      }),
      some,
    );
  });

  test("takes a record that is larger than its memory, and others after it", () => {
    const large = { key: Buffer.from("key"), value: Buffer.alloc(3_000_000, "x") };
    const longKey = { key: Buffer.alloc(3_000_000, "k"), value: Buffer.from("value") };
    const small = { key: Buffer.from("key"), value: Buffer.from("small") };
    const records = [small, large, longKey, small];
    expectInOrder(arrange(records, 1, 1_000_000, keysRepeat), records);
  });
});

test("an arena changes its representation if keys hardly repeat, and decides anew after each spill", () => {
  const unique = Array.from({ length: 40_000 }, (_, n) => ({
    key: Buffer.from(String(n * 7919)),
    value: Buffer.from([n & 255]),
  }));
  const again = unique.map(({ key }) => ({ key: Buffer.from(key.subarray(0, 3)), value: Buffer.from("again") }));
  for (const records of [
    [...unique, ...again],
    [...again, ...unique],
  ]) {
    expect(arrange(records, 3, 16 * 1024 * 1024)).toEqual([expected(records, 3)]);
    const parts = arrange(records, 3, 1024 * 1024);
    expect(parts.length).toBeGreaterThan(1);
    expectInOrder(parts, records);
  }
});

test("keys are distributed as all runners agree", () => {
  const records = Array.from({ length: 2000 }, (_, n) => ({
    key: Buffer.alloc(n % 40, `${n}`),
    value: Buffer.alloc(0),
  }));
  const [partitions = []] = arrange(records, 1000, 16 * 1024 * 1024);
  for (const [partition, texts] of partitions.entries()) {
    for (const text of texts) {
      const key = Buffer.from(text.slice(0, text.indexOf(" ")), "hex");
      expect(hashKey(key, 0, key.length) % 1000).toBe(partition);
    }
  }
});

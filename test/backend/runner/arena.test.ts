import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../../../backend/runner/shuffle/arena.ts";
import type { Cursor } from "../../../backend/runner/shuffle/cursor.ts";
import { GroupArena } from "../../../backend/runner/shuffle/group-arena.ts";
import { VarintReader } from "../../../backend/runner/shuffle/packed.ts";
import { RecordArena } from "../../../backend/runner/shuffle/record-arena.ts";
import { hashKey } from "../../../shared/partition.ts";

type Record = { readonly key: Buffer; readonly value: Buffer };
type AnyArena = Pick<Arena, "add" | "sort" | "clear">;

const addTo = (arena: AnyArena, { key, value }: Record): void => {
  // Both in one buffer, surrounded by other bytes.
  const bytes = Buffer.concat([Buffer.from("<"), key, Buffer.from("|"), value]);
  const keyEnd = 1 + key.length;
  arena.add(bytes, 1, keyEnd, keyEnd + 1, bytes.length);
};

/** The records of a cursor, as text; a continued piece must have the key of the one before. */
const walk = (cursor: Cursor): string[] => {
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
      const length = reader.read(cursor.valueBytes);
      records.push(`${key} ${cursor.valueBytes.toString("hex", reader.at, reader.at + length)}`);
      reader.at += length;
    }
    expect([values, reader.at]).toEqual([cursor.count, cursor.valuesEnd]);
  }
  return records;
};

const expected = (records: readonly Record[], partition: number, partitions: number): string[] =>
  records
    .filter(({ key }) => hashKey(key, 0, key.length) % partitions === partition)
    .toSorted((a, b) => Buffer.compare(a.key, b.key))
    .map(({ key, value }) => `${key.toString("hex")} ${value.toString("hex")}`);

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength, size: "max" }).map((array) => Buffer.from(array));

/** Few keys or many; long common prefixes; some values longer than a block of the arena. */
const record = fc.record({
  key: fc.oneof(
    bytes(3),
    bytes(12),
    fc.nat(9).map((n) => Buffer.from(`a common beginning, then ${n}`)),
  ),
  value: fc.oneof(bytes(2), bytes(200)),
});

const memory = 4 * 1024 * 1024;

describe.each([
  ["Arena", () => new Arena(memory, false)],
  ["GroupArena", () => new GroupArena(memory)],
  ["RecordArena", () => new RecordArena(memory)],
] as const)("%s", (_name, create) => {
  test("returns what it was given, sorted by partition and key, with values in order", () => {
    const arena = create();
    const samples = fc.array(record, { maxLength: 400, size: "max" });
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 7 }), (records, partitions) => {
        arena.clear();
        for (const each of records) addTo(arena, each);
        for (const [partition, cursor] of arena.sort(partitions).entries()) {
          expect(walk(cursor)).toEqual(expected(records, partition, partitions));
        }
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  test("takes a single record that is larger than its memory", () => {
    const small = create();
    const large = { key: Buffer.from("key"), value: Buffer.alloc(2 * memory, "x") };
    addTo(small, large);
    expect(small.sort(1).map(walk)).toEqual([expected([large], 0, 1)]);
  });
});

test("an arena changes its representation if keys hardly repeat, and back when it is cleared", () => {
  const arena = new Arena(16 * 1024 * 1024, false);
  const unique = Array.from({ length: 20_000 }, (_, n) => ({
    key: Buffer.from(String(n * 7919)),
    value: Buffer.from([n & 255]),
  }));
  const again = unique.map(({ key: same }) => ({ key: same, value: Buffer.from("again") }));
  for (const records of [[...unique, ...again], again]) {
    arena.clear();
    for (const each of records) addTo(arena, each);
    expect(arena.records).toBe(records.length);
    expect(arena.sort(3).map(walk)).toEqual([0, 1, 2].map((partition) => expected(records, partition, 3)));
  }
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arrange, expectInOrder, properties } from "./properties.ts";
import { sortedTexts } from "./records.ts";

test.each(properties)("%s", async (_, property) => {
  await fc.assert(property, { numRuns: 60, seed: 7 });
});

describe.each([false, true])("an arena, with keys that are known to repeat: %s", (keysRepeat) => {
  test("takes a record that is larger than its memory, and others after it", () => {
    const large = { key: Buffer.from("key"), value: Buffer.alloc(3_000_000, "x") };
    const longKey = { key: Buffer.alloc(3_000_000, "k"), value: Buffer.from("value") };
    const small = { key: Buffer.from("key"), value: Buffer.from("small") };
    const records = [small, large, longKey, small, large, small];
    expectInOrder(arrange(records, { partitions: 1, memory: 1_000_000, keysRepeat }), records);
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
    const inMemory = [sortedTexts(records, 3)];
    expect(arrange(records, { partitions: 3, memory: 16 * 1024 * 1024 })).toEqual(inMemory);
    const parts = arrange(records, { partitions: 3, memory: 1024 * 1024 });
    expect(parts.length).toBeGreaterThan(1);
    expectInOrder(parts, records);
  }
});

test("an arena keeps values that are the same if its memory is full when another one comes", () => {
  const [key, other] = [Buffer.from("key"), Buffer.from("other")];
  for (let length = 100; length < 3_000; length += 4) {
    const filling = { key: other, value: Buffer.alloc(length, "v") };
    const records = [
      { key, value: Buffer.from("1") },
      { key, value: Buffer.from("1") },
      filling,
      { key, value: Buffer.from("2") },
    ];
    expectInOrder(arrange(records, { partitions: 2, memory: 4_000, keysRepeat: true }), records);
  }
});

import { expect, test } from "vitest";
import { hashKey, partitionOf } from "../../helpers/partition.ts";

// Vectors of MurmurHash3_x86_32 with seed 0, computed with the Python package mmh3.
test.each([
  ["", 0],
  ["a", 0x3c2569b2],
  ["aa", 0x371091a9],
  ["aaa", 0xb4d05fb7],
  ["test", 0xba6bd213],
  ["hello", 0x248bfa47],
  ["hello, world", 0x149bbb7f],
  ["Hello, world!", 0xc0363e43],
  ["The quick brown fox jumps over the lazy dog", 0x2e4ff723],
])("the hash of %j", (text, hash) => {
  const bytes = Buffer.from(`<${text}>`);
  expect(hashKey(bytes, 1, bytes.length - 1)).toBe(hash);
});

test("a single partition takes everything, several share evenly", () => {
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let key = 0; key < 7000; key++) {
    const bytes = Buffer.from(`key-${key}`);
    expect(partitionOf(hashKey(bytes, 0, bytes.length), 1)).toBe(0);
    const partition = partitionOf(hashKey(bytes, 0, bytes.length), 7);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  expect(counts).toHaveLength(7);
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
});

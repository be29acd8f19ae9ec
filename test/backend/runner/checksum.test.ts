import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Checksum } from "../../../backend/runner/shuffle/checksum.ts";

const mask = (1n << 64n) - 1n;
const pieceLength = 64 * 1024;

const mix = (mixed: bigint, value: bigint): bigint => {
  const product = ((mixed ^ value) * 0x9e3779b97f4a7c15n) & mask;
  return product ^ (product >> 29n);
};

/** The checksum of a piece, word by word. */
const pieceChecksum = (piece: Buffer, previous: number): number => {
  const sums = [0n, 0n, 0n, 0n];
  const sumsOfSums = [0n, 0n, 0n, 0n];
  const end = piece.length - (piece.length % 16);
  for (let at = 0; at < end; at += 4) {
    const lane = (at / 4) % 4;
    sums[lane] = (sums[lane] ?? 0n) + BigInt(piece.readUInt32LE(at));
    sumsOfSums[lane] = (sumsOfSums[lane] ?? 0n) + (sums[lane] ?? 0n);
  }
  const rest: bigint[] = [];
  for (let at = end; at < piece.length; at += 8) {
    const word = Buffer.alloc(8);
    piece.copy(word, 0, at);
    rest.push(word.readBigUInt64LE());
  }
  const values = [BigInt(piece.length), ...sums, ...sumsOfSums, ...rest];
  return Number(values.reduce(mix, BigInt(previous)) >> 32n);
};

const checksumOf = (bytes: Buffer): number => {
  let value = 0;
  for (let at = 0; at < bytes.length; at += pieceLength) {
    value = pieceChecksum(bytes.subarray(at, at + pieceLength), value);
  }
  return value;
};

/** Bytes of any length up to three pieces, most of them short. */
const anyBytes = fc
  .tuple(fc.oneof(fc.nat(200), fc.nat(3 * pieceLength)), fc.uint8Array({ minLength: 1, maxLength: 50 }))
  .map(([length, pattern]) => Buffer.alloc(length, pattern));

test("is the same in whatever parts the bytes come, and what its definition says", () => {
  fc.assert(
    fc.property(anyBytes, fc.array(fc.nat(3 * pieceLength), { maxLength: 6 }), (bytes, cuts) => {
      const whole = new Checksum();
      whole.add(bytes);
      expect(whole.value).toBe(checksumOf(bytes));
      const inParts = new Checksum();
      const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
      ends.forEach((end, index) => inParts.addPart(bytes.subarray(ends[index - 1] ?? 0, end), bytes.length - end));
      expect(inParts.value).toBe(whole.value);
    }),
    { numRuns: 60 },
  );
});

test("any two changed words, moved bytes and other lengths change it", () => {
  const length = fc.integer({ min: 32, max: 2000 });
  fc.assert(
    fc.property(length, fc.nat(), fc.nat(), fc.nat(31), (bytes, first, second, bit) => {
      const before = Buffer.alloc(bytes, "edgefold");
      const after = Buffer.from(before);
      for (const at of new Set([first % bytes, second % bytes])) after[at] = (after[at] ?? 0) ^ (1 << (bit % 8));
      const moved = Buffer.concat([before.subarray(1), before.subarray(0, 1)]);
      const others = [after, moved, before.subarray(1), Buffer.concat([before, Buffer.alloc(1)])];
      expect(others.map(checksumOf)).not.toContain(checksumOf(before));
      for (const other of others) {
        const checksum = new Checksum();
        checksum.add(other);
        expect(checksum.value).toBe(checksumOf(other));
      }
    }),
  );
});

import * as fc from "fast-check";
import { expect, it } from "vitest";
import { AttemptLog } from "../../../backend/runner/attempt-log.ts";

const kept = { head: 64 * 1024, tail: 960 * 1024 };
const most = kept.head + kept.tail;

/** Bytes that differ from their neighbours. */
const content = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, n) => 32 + (n % 89)));

const expected = (all: Buffer): string => {
  if (all.length <= most) return all.toString();
  const [head, tail] = [all.subarray(0, kept.head), all.subarray(-kept.tail)];
  return `${head.toString()}\n[… ${all.length - most} bytes are left out …]\n${tail.toString()}`;
};

it.each([0, 1, kept.head, kept.head + 1, most - 1, most, most + 1, 3 * most + 17])(
  "keeps both ends of %d bytes",
  (length) => {
    const all = content(length);
    for (const chunk of [length + 1, 100_003, 65_536]) {
      const log = new AttemptLog();
      for (let start = 0; start < length; start += chunk) log.write(all.subarray(start, start + chunk));
      expect(log.length).toBe(length);
      expect(log.read().toString() === expected(all)).toBe(true);
    }
  },
);

it("is read on from a reader's position, and says what the reader has missed", () => {
  const sizes = fc.array(fc.oneof(fc.nat(200_000), fc.nat(1_500_000)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(sizes, (chunks) => {
      const log = new AttemptLog();
      const reader = new AttemptLog(log.memory);
      let position = 0;
      for (const [n, size] of chunks.entries()) {
        const chunk = Buffer.alloc(size, 97 + n);
        log.write(chunk);
        const { bytes, next } = reader.readFrom(position);
        const fitsHead = Math.min(size, Math.max(0, kept.head - position));
        const missing = Math.max(0, size - fitsHead - kept.tail);
        const note = missing > 0 ? `\n[… ${missing} bytes are left out …]\n` : "";
        const text = String.fromCodePoint(97 + n);
        expect(bytes.toString() === text.repeat(fitsHead) + note + text.repeat(size - fitsHead - missing)).toBe(true);
        position = next;
        expect(position).toBe(log.length);
      }
    }),
    { numRuns: 30 },
  );
});

it("starts over", () => {
  const log = new AttemptLog();
  log.write(content(most + 5));
  log.reset();
  log.write(Buffer.from("again\n"));
  expect(log.read().toString()).toBe("again\n");
});

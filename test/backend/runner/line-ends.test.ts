import * as fc from "fast-check";
import { expect, test } from "vitest";
import { scanLength } from "../../../backend/kernel/scan.ts";
import { countNewlines } from "../../../backend/runner/input/count-newlines.ts";
import { LineEnds } from "../../../backend/runner/input/line-ends.ts";

const endsOf = (lines: Buffer): number[] =>
  Array.from(lines, (byte, at) => (byte === 10 ? at : -1)).filter((at) => at >= 0);

test("the ends of all lines are found, and whether they are ASCII", () => {
  const ends = new LineEnds();
  const line = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ maxLength: 40 }).map((text) => Buffer.from(text)),
    fc.nat(5000).map((length) => Buffer.alloc(length, "long")),
  );
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), (parts) => {
      const lines = Buffer.concat(parts.flatMap((part) => [part, Buffer.from("\n")]));
      ends.find(lines);
      expect(Array.from({ length: ends.count }, (_, index) => ends.at(index))).toEqual(endsOf(lines));
      expect([ends.count, ends.isAscii]).toEqual([countNewlines(lines), lines.every((byte) => byte < 0x80)]);
    }),
  );
});

test("a batch can be full, have no other bytes, or be a single longer line", () => {
  const ends = new LineEnds();
  const empty = Buffer.alloc(scanLength, "\n");
  ends.find(empty);
  expect([ends.count, ends.at(0), ends.at(scanLength - 1), ends.isAscii]).toEqual([
    scanLength,
    0,
    scanLength - 1,
    true,
  ]);
  for (const [text, isAscii] of [
    ["x", true],
    ["é", false],
  ] as const) {
    const long = Buffer.from(`${text.repeat(scanLength)}\n`);
    ends.find(long);
    expect([ends.count, ends.at(0), ends.isAscii]).toEqual([1, long.length - 1, isAscii]);
  }
});

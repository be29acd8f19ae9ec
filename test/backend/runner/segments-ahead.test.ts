import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { beforeEach, expect, test } from "vitest";
import type { SegmentRef } from "../../../shared/protocol/tasks.ts";
import { SegmentsAhead } from "../../../backend/runner/tasks/segments-ahead.ts";
import { chunks, newFolder } from "./harness.ts";

const output = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

let root: string;
let segments: SegmentsAhead;
beforeEach(() => {
  root = newFolder();
  segments = new SegmentsAhead(root);
});

const ref = (offset: number, length: number, ahead?: number, path = "http://store/m-0-1"): SegmentRef => ({
  map: 0,
  attempt: "m-0-1",
  path,
  offset,
  length,
  largestBlock: 100,
  ahead,
});

/** Reads a segment with what is ahead of it. @returns the segment */
const read = async (of: SegmentRef, ahead: number, sent = of.length + ahead): Promise<Buffer> => {
  const stream = Readable.from(chunks(output.subarray(of.offset, of.offset + sent), 7));
  const own: Buffer[] = [];
  for await (const chunk of segments.split(stream, of, ahead)) own.push(Buffer.from(chunk));
  return Buffer.concat(own);
};

const found = (of: SegmentRef): Buffer | undefined => {
  const place = segments.find(of);
  return place && readFileSync(place.path).subarray(place.offset, place.offset + of.length);
};

test("what lies behind a segment is found by the next partitions, and removed after the last", async () => {
  const first = ref(100, 50, 60);
  const other = ref(300, 10, 20, "http://store/m-1-1");
  const aheadOf = segments.begin(4, [first, other], 2);
  expect([aheadOf(first), aheadOf(other)]).toEqual([60, 20]);
  expect((await read(first, 60)).equals(output.subarray(100, 150))).toBe(true);
  expect((await read(other, 20)).equals(output.subarray(300, 310))).toBe(true);

  segments.begin(5, [], 0);
  expect(found(ref(150, 25))?.equals(output.subarray(150, 175))).toBe(true);
  expect(found(ref(310, 20, 0, other.path))?.equals(output.subarray(310, 330))).toBe(true);
  segments.begin(6, [], 0);
  expect(found(ref(175, 35))?.equals(output.subarray(175, 210))).toBe(true);
  for (const missing of [ref(100, 50), ref(175, 36), ref(149, 2), ref(150, 25, 0, "http://store/m-0-2")]) {
    expect(found(missing)).toBeUndefined();
  }

  segments.begin(8, [], 0);
  expect(found(ref(150, 25))).toBeUndefined();
  expect(readdirSync(root)).toEqual([]);
});

test("what did not come as a whole is not kept", async () => {
  const first = ref(0, 50, 60);
  segments.begin(0, [first], 3);
  expect((await read(first, 60, 80)).length).toBe(50);
  expect(found(ref(50, 10))).toBeUndefined();
});

test("as many partitions are read ahead as a request of a megabyte has, and as the disk has room for", () => {
  const MiB = 1024 * 1024;
  const all = ref(0, 1000, MiB - 1000);
  const [half, none] = [ref(0, MiB / 2, MiB, "http://store/m-1-1"), ref(0, MiB, 1000, "http://store/m-2-1")];
  const aheadOf = segments.begin(0, [all, half, none], 10);
  expect([all, half, none, ref(0, 5)].map(aheadOf)).toEqual([MiB - 1000, MiB / 2, 0, 0]);
  // 10 partitions of 400 KB would take 4 GB.
  const many = Array.from({ length: 10_000 }, (_, map) => ref(0, 1000, 400_000, `http://store/m-${map}-1`));
  expect(segments.begin(7, many, 10)(ref(0, 1000, 400_000))).toBe(200_000);
});

test("a disk that takes nothing costs only the reading ahead", async () => {
  segments = new SegmentsAhead(`${root}/file`);
  writeFileSync(`${root}/file`, "");
  const first = ref(100, 50, 60);
  segments.begin(0, [first], 3);
  expect((await read(first, 60)).equals(output.subarray(100, 150))).toBe(true);
  expect(found(ref(150, 10))).toBeUndefined();
});

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fromColumns, SegmentColumnsSchema, toColumns } from "../../shared/protocol/segment-columns.ts";
import type { SegmentRef } from "../../shared/protocol/tasks.ts";

const jobId = "0190-a";

const ref = (map: number, number: number, bytes: number, ahead?: number): SegmentRef => ({
  map,
  attempt: `${jobId}-m-${map}-${number}`,
  path: `http://store:9000/bucket/.edgefold/${map % 16}/${jobId}/m-${map}-${number}`,
  offset: bytes,
  length: bytes + 1,
  largestBlock: bytes + 2,
  ahead,
});

test("segments come back from columns as they were", () => {
  const index = fc.nat(100_000);
  fc.assert(
    fc.property(fc.array(fc.tuple(index, index, fc.maxSafeNat())), fc.boolean(), (rows, hasAhead) => {
      const refs = rows.map(([map, number, bytes]) => ref(map, number, bytes / 2, hasAhead ? map : undefined));
      const whole = refs.map((each) => ({ ...each, offset: Math.floor(each.offset), length: 1, largestBlock: 2 }));
      const columns = toColumns(whole, jobId);
      expect(fromColumns(SegmentColumnsSchema.parse(JSON.parse(JSON.stringify(columns))), jobId)).toEqual(whole);
    }),
  );
});

test.each([
  ["another folder", { path: "http://store:9000/bucket/m-17-1" }],
  ["another name", { path: `http://store:9000/bucket/.edgefold/1/${jobId}/m-17-2` }],
  ["another attempt", { attempt: `${jobId}-m-2-1` }],
  ["an attempt of another job", { attempt: "0190-b-m-17-1" }],
  ["an attempt that has no number", { attempt: `${jobId}-m-17-x` }],
])("segments with %s have no columns", (_, other) => {
  expect(toColumns([ref(1, 1, 5), { ...ref(17, 1, 5), ...other }], jobId)).toBeUndefined();
});

test("columns of different lengths are an error", () => {
  const columns = toColumns([ref(0, 1, 5, 1), ref(1, 1, 5, 1)], jobId);
  expect(() => fromColumns({ ...SegmentColumnsSchema.parse(columns), offsets: [1] }, jobId)).toThrow("equally long");
  expect(() => fromColumns({ ...SegmentColumnsSchema.parse(columns), aheads: [1] }, jobId)).toThrow("equally long");
});

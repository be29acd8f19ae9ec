import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

/** Inputs a thousand times as large as what is stored. */

const MiB = 1024 * 1024;

/** The default for the `RUNNER_MEMORY` in use. */
const recordLimit = 16 * MiB;

/** The size of a member, and the number of members in a GiB. */
const memberSize = 64 * MiB;
const members = 16;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ResultSchema = z.object({
  error: z.string(),
  grown: z.number(),
  counters: z.object({
    builtin: z.object({ mapInputRecords: z.number(), mapInputBytes: z.number() }).partial(),
  }),
});

const map = (...paths: readonly string[]): z.infer<typeof ResultSchema> => {
  const script = join(import.meta.dirname, "map-compressed-in-node.ts");
  const output = execFileSync(process.execPath, [script, String(recordLimit), ...paths], { encoding: "utf8" });
  return ResultSchema.parse(JSON.parse(output));
};

const file = (name: string, content: Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const aGiBOf = (member: Buffer): Buffer => Buffer.concat(Array.from({ length: members }, () => member));

/** Lines of 1 KiB each. */
const lines = (bytes: number): Buffer => Buffer.alloc(bytes, `${"x".repeat(1023)}\n`);

describe.each([
  ["gz", gzipSync, 350],
  ["zst", zstdCompressSync, 10_000],
] as const)("a GiB that is stored as a few KiB of .%s", (ending, compress, ratio) => {
  test("without a newline ends the attempt at the longest record, using the memory of two records", () => {
    const content = aGiBOf(compress(Buffer.alloc(memberSize)));
    expect((members * memberSize) / content.length).toBeGreaterThan(ratio);
    const path = file(`zeros.${ending}`, content);
    const { error, grown } = map(path);
    expect(error).toBe(`${path}: the input line at byte 0 is longer than RECORD_LIMIT, ${recordLimit} bytes`);
    expect(grown).toBeLessThan(100 * MiB);
  });

  test("with newlines streams through", () => {
    const content = aGiBOf(compress(lines(memberSize)));
    expect((members * memberSize) / content.length).toBeGreaterThan(ratio);
    const { error, grown, counters } = map(file(`lines.${ending}`, content));
    expect(error).toBe("");
    expect(counters.builtin).toMatchObject({ mapInputRecords: MiB, mapInputBytes: 1024 * MiB });
    expect(grown).toBeLessThan(100 * MiB);
  });
});

test("of several zstd inputs with the largest window, only one uses its memory at a time", () => {
  const wide = zstdCompressSync(lines(300 * MiB), { params: { [constants.ZSTD_c_windowLog]: 27 } });
  const path = file("wide.zst", wide);
  const { error, grown } = map(...Array.from({ length: 6 }, () => path));
  expect(error).toBe("");
  expect(grown).toBeGreaterThan(100 * MiB);
  expect(grown).toBeLessThan(300 * MiB);
});

import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { NamedPipes } from "../../../backend/runner/programs/named-pipes.ts";

const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "edgefold-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

test("nobody gets a pipe of another, though many take them at once", async () => {
  const pipes = new NamedPipes(join(await newFolder(), "not-yet"));
  const taken = await Promise.all(Array.from({ length: 40 }, (_, index) => pipes.take(1 + (index % 3))));
  expect(taken.map(({ length }) => length)).toEqual(Array.from({ length: 40 }, (_, index) => 1 + (index % 3)));
  const paths = taken.flat();
  expect(new Set(paths).size).toBe(paths.length);
  for (const path of paths) {
    const found = await stat(path);
    expect([found.isFIFO(), found.mode & 0o777]).toEqual([true, 0o600]);
  }
});

test("a failure to make them is told, and the next one who asks gets some", async () => {
  const folder = await newFolder();
  const parent = join(folder, "pipes");
  await writeFile(parent, "in the way");
  const pipes = new NamedPipes(parent);
  const both = await Promise.allSettled([pipes.take(2), pipes.take(3)]);
  expect(both).toMatchObject([{ reason: { code: "EEXIST" } }, { reason: { code: "EEXIST" } }]);
  await rm(parent);
  expect(await pipes.take(2)).toHaveLength(2);
});

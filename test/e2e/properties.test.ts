import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuiltinCounter } from "../../shared/counters.ts";
import type { Job } from "../../shared/api/jobs.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { packed, propertyCases, type ProgramKind, type StoreKind } from "./property-cases.ts";
import { expectedParts, lineOf, pairOf, recordsOf, sortedPairs } from "./property-reference.ts";

/** Jobs with identity programs: the output is exactly the input, sorted and partitioned. */

const identityModule = `
export const encoding = "bytes";
export function map(line, emit) {
  const tab = line.indexOf(9);
  if (tab === -1) emit(line);
  else emit(line.subarray(0, tab), line.subarray(tab + 1));
}
export function reduce(key, values, emit) {
  for (const value of values) emit(key, value);
}
`;
const sumModule = `
export function map(line, emit) {
  emit(line, 1);
}
export function reduce(key, values, emit) {
  emit(key, values.reduce((sum, value) => sum + Number(value), 0));
}
export const combine = reduce;
`;
const identity: Record<ProgramKind, string> = { executable: "cat.sh", module: "identity.mjs", builtin: "identity" };

/** Small, so that ordinary inputs spill often and need several merge passes. */
const sortBuffer = 32 * 1024;

let edgefold: Edgefold;
beforeAll(async () => {
  edgefold = await Edgefold.start({ env: { SORT_BUFFER: String(sortBuffer), MERGE_FACTOR: "3", RUNNERS: "3" } });
  await edgefold.upload("cat.sh", "#!/bin/sh\nexec cat\n");
  await edgefold.upload("uniq.sh", "#!/bin/sh\nLC_ALL=C exec uniq\n");
  await edgefold.upload("identity.mjs", identityModule, "module");
  await edgefold.upload("sum.mjs", sumModule, "module");
});
afterAll(() => edgefold.stop());

const rootOf = (store: StoreKind): string =>
  store === "file" ? `file://${edgefold.files}` : `${edgefold.s3Endpoint}/data`;

const store = async (kind: StoreKind, key: string, content: Uint8Array): Promise<void> => {
  if (kind === "s3") await edgefold.put(`data/${key}`, content);
  else {
    const path = join(edgefold.files, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
};

/** Runs a job with one runner: for most of these jobs, starting another would take longer than the work. */
const run = async (request: Record<string, unknown>): Promise<{ job: Job; parts: Buffer[] }> => {
  const job = await edgefold.completed((await edgefold.post({ parallelism: 1, ...request })).id);
  return { job, parts: await edgefold.outputsOf(job) };
};

const counter = ({ counters }: Job, name: BuiltinCounter): number => counters.builtin[name] ?? 0;

describe.concurrent("the records of the input, each once, sorted within disjoint partitions", () => {
  for (const [number, job] of propertyCases(20261123, 16).entries()) {
    const { name, objects, address, input, output, mapper, reducer, nReducers, splitSize } = job;
    const how = `${address}, ${input} to ${output}, ${mapper} to ${reducer}, ${nReducers} reducers, splits of ${splitSize}`;
    test(`${name} (${how})`, async () => {
      const folder = `case-${number}`;
      const keys = objects.map((object, index) => `${folder}/in/${index}.txt${object.packed}`);
      for (const [index, object] of objects.entries()) await store(input, keys[index] ?? "", packed(object));
      // Objects that neither the prefix nor the pattern matches.
      await store(input, `${folder}/in/_hidden.txt`, Buffer.from("hidden\n"));
      await store(input, `${folder}/into.txt`, Buffer.from("beside\n"));
      const several = address === "prefix" ? `${folder}/in/` : `${folder}/i?/*.t[x]t*`;
      const { job: done, parts } = await run({
        inputPath: `${rootOf(input)}/${keys.length === 1 ? keys[0] : several}`,
        outputPath: `${rootOf(output)}/${folder}/out`,
        mapperName: identity[mapper],
        reducerName: identity[reducer],
        nReducers,
        splitSize,
      });
      expect(parts).toHaveLength(nReducers);
      const contents = objects.map(({ content }) => content);
      const texts = parts.map((part) => part.toString("latin1"));
      // Not `toEqual`: a difference in megabytes takes minutes to print.
      const expected = expectedParts(contents, parts, reducer);
      expect(texts.map((text, index) => text === expected[index])).toEqual(texts.map(() => true));
      const pairs = sortedPairs(contents);
      for (const step of ["mapInputRecords", "mapOutputRecords", "reduceInputRecords", "outputRecords"] as const) {
        expect([step, counter(done, step)]).toEqual([step, pairs.length]);
      }
      expect(counter(done, "reduceInputGroups")).toBe(new Set(pairs.map(({ key }) => key)).size);
    });
  }
});

test("several passes of merging, on both sides of the shuffle", async () => {
  const records = 20_000;
  const content = Buffer.from(Array.from({ length: records }, (_, n) => `${(n * 7919) % records}\tv${n}\n`).join(""));
  const inputPath = await edgefold.put("data/passes.txt", content);
  const request = { inputPath, mapperName: "cat.sh", reducerName: "cat.sh", nReducers: 1 };
  const { job, parts } = await run(request);
  const [expected] = expectedParts([content], parts, "executable");
  expect(parts[0]?.toString("latin1") === expected).toBe(true);
  // With one map, each record is spilled at most once before merging, and once when its segment is fetched. Anything beyond that
  // is merging, whose last pass writes nothing.
  expect(job.progress.maps.total).toBe(1);
  expect(counter(job, "spilledRecords")).toBeGreaterThan(3 * records);

  const manyMaps = await run({ ...request, splitSize: Math.ceil(content.length / 8), parallelism: 3 });
  expect(manyMaps.job.progress.maps.total).toBe(8);
  expect(manyMaps.parts.map((part) => part.toString("latin1") === expected)).toEqual([true]);
});

describe.concurrent("a combiner changes the shuffled data, not the output", () => {
  for (const [kind, request] of [
    ["module", { mapperName: "sum.mjs", reducerName: "sum.mjs", combinerName: "sum.mjs" }],
    ["executable", { mapperName: "cat.sh", reducerName: "uniq.sh", combinerName: "uniq.sh" }],
  ] as const) {
    test(kind, async () => {
      const keys = Array.from({ length: 4000 }, (_, n) => `word ${(n * n) % 101}`);
      const inputPath = await edgefold.put(`data/combiner-${kind}.txt`, keys.join("\n"));
      const sized = { ...request, inputPath, nReducers: 3, splitSize: 15_000 };
      const combined = await run(sized);
      const plain = await run({ ...sized, combinerName: undefined });
      expect(combined.parts).toEqual(plain.parts);
      const lines = combined.parts.flatMap((part) => recordsOf(part).map(pairOf));
      const counts = new Map<string, number>();
      for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
      const value = (count: number): string => (kind === "module" ? String(count) : "");
      expect(new Map(lines.map((pair) => [pair.key, pair.value]))).toEqual(
        new Map([...counts].map(([key, count]) => [key, value(count)])),
      );
      expect(lines).toHaveLength(counts.size);
      expect(counter(combined.job, "combineInputRecords")).toBeGreaterThanOrEqual(keys.length);
      expect(counter(combined.job, "shuffleBytes")).toBeLessThan(counter(plain.job, "shuffleBytes") / 2);
      expect(counter(combined.job, "reduceInputRecords")).toBeLessThan(counter(plain.job, "reduceInputRecords") / 2);
      expect(counter(plain.job, "reduceInputRecords")).toBe(keys.length);
    });
  }
});

test("an aggregate gives the output of a reducer, and does its work in the maps", async () => {
  const lines = Array.from({ length: 4000 }, (_, n) => `word ${(n * n) % 101}\t${(n % 7) - 3}`);
  const inputPath = await edgefold.put("data/aggregate.txt", lines.join("\n"));
  const { job, parts } = await run({
    mapperName: "cat.sh",
    aggregate: "sum",
    inputPath,
    nReducers: 3,
    splitSize: 15_000,
  });
  const sums = new Map<string, number>();
  for (const { key, value } of lines.map(pairOf)) sums.set(key, (sums.get(key) ?? 0) + Number(value));
  const pairs = parts.flatMap((part) => recordsOf(part).map(pairOf));
  expect(new Map(pairs.map(({ key, value }) => [key, Number(value)]))).toEqual(sums);
  expect(pairs).toHaveLength(sums.size);
  expect(counter(job, "combineInputRecords")).toBe(lines.length);
  expect(counter(job, "reduceInputRecords")).toBe(counter(job, "combineOutputRecords"));
  expect(counter(job, "reduceInputGroups")).toBe(sums.size);

  const { id } = await edgefold.post({
    inputPath: await edgefold.put("data/unfit.txt", "a\t1\nb\tx\n"),
    mapperName: "identity",
    aggregate: "max",
  });
  const { error } = await edgefold.ended(id);
  expect(error).toMatchObject({ code: "ProgramFailed" });
  expect(error?.message).toContain('mapper identity emits what cannot be aggregated: the key "b" has the value "x"');
});

describe.concurrent("a map-only job keeps the order of the records", () => {
  const contents = ["b\t1\r\na\t\n\n", "", "\xff\0\tz\n".repeat(300) + "last\r"].map((text) =>
    Buffer.from(text, "latin1"),
  );

  for (const kind of ["executable", "module", "builtin"] as const) {
    test(kind, async () => {
      for (const [index, content] of contents.entries()) {
        const last = index === contents.length - 1;
        await store("file", `map-only-${kind}/${index}${last ? ".gz" : ""}`, last ? gzipSync(content) : content);
      }
      const inputPath = `file://${edgefold.files}/map-only-${kind}/`;
      const { job, parts } = await run({ inputPath, mapperName: identity[kind], nReducers: 0, splitSize: 4 });
      expect(parts).toHaveLength(job.progress.maps.total);
      expect(parts.length).toBeGreaterThan(2);
      const records = contents.flatMap(recordsOf);
      const lines = records.map((record) => (kind === "module" ? lineOf(pairOf(record), "module") : `${record}\n`));
      expect(Buffer.concat(parts).toString("latin1")).toBe(lines.join(""));
    });
  }

  test("with an input without records", async () => {
    const inputPath = await edgefold.put("data/nothing.txt", "");
    const { job, parts } = await run({ inputPath, mapperName: "cat.sh", nReducers: 0 });
    expect(parts).toEqual([]);
    expect(await edgefold.keysIn("reducers", `${job.id}/`)).toEqual([`${job.id}/_SUCCESS`]);
  });
});

test.concurrent.for([
  ["a prefix without objects", "no/such/folder/", "NoInput", "there are no objects below this prefix"],
  ["a pattern that nothing matches", "no-*.txt", "NoInput", "nothing matches this pattern"],
  ["an object that is not there", "no.txt", "NoSuchKey", "there is no such object"],
] as const)("fails clearly: %s", async ([, path, code, message]) => {
  for (const input of ["s3", "file"] as const) {
    const inputPath = `${rootOf(input)}/${path}`;
    const { id } = await edgefold.post({ inputPath, mapperName: "cat.sh", nReducers: 0 });
    const { status, error } = await edgefold.ended(id);
    expect({ status, code: error?.code }).toEqual({ status: "failed", code });
    expect(error?.message).toContain(message);
    expect(error?.message).toContain(inputPath);
  }
});

const shuffleLeft = async (): Promise<string[]> => [
  ...(await edgefold.keysIn("reducers", ".edgefold/")),
  ...(await edgefold.keysIn("data", ".edgefold/")),
];

test("the shuffle leaves nothing behind", async () => {
  for (let keys = await shuffleLeft(); keys.length > 0; keys = await shuffleLeft()) await sleep(100);
});

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Edgefold } from "../helpers/edgefold.ts";
import { expectedParts } from "./property-reference.ts";

/** Many small objects: combining them gives the same output as a map for each, with fewer maps. */

/** The objects by name, in listing order, with their content before compression. */
const contents = new Map(
  Array.from({ length: 120 }, (_, n): [string, Buffer] => {
    const lines = Array.from({ length: 1 + (n % 7) }, (__, line) => `word${(n * line) % 23}\t${n}-${line}`);
    const suffix = n === 40 ? ".gz" : n === 41 ? ".zst" : "";
    const text = n === 7 ? "" : lines.join(n % 5 === 0 ? "\r\n" : "\n") + (n % 3 === 0 ? "" : "\n");
    return [`${String(n).padStart(3, "0")} é.txt${suffix}`, Buffer.from(text)];
  }),
);

const stored = (name: string, content: Buffer): Buffer => {
  if (name.endsWith(".gz")) return gzipSync(content);
  return name.endsWith(".zst") ? zstdCompressSync(content) : content;
};

const indexModule = `
export function map(line, emit, { inputPath }) {
  emit(line.split("\\t")[0], inputPath);
}
export function reduce(word, paths, emit) {
  emit(word, [...new Set(paths)].sort().join(" "));
}
`;

let edgefold: Edgefold;
beforeAll(async () => {
  edgefold = await Edgefold.start();
  await edgefold.upload("cat.sh", "#!/bin/sh\nexec cat\n");
  await edgefold.upload("which.sh", '#!/bin/sh\ncat > /dev/null\necho "${EDGEFOLD_INPUT_PATH-none}"\n');
  await edgefold.upload("index.mjs", indexModule, "module");
  const folder = join(edgefold.files, "small");
  await mkdir(folder, { recursive: true });
  for (const [name, content] of contents) {
    await writeFile(join(folder, name), stored(name, content));
    await edgefold.put(`data/small/${encodeURIComponent(name)}`, stored(name, content));
  }
});
afterAll(() => edgefold.stop());

const bytes = [...contents].reduce((sum, [name, content]) => sum + stored(name, content).length, 0);

describe.each([
  { store: "files", inputPath: () => `file://${edgefold.files}/small/` },
  { store: "S3", inputPath: () => `${edgefold.s3Endpoint}/data/small/` },
])("many small objects in $store", ({ inputPath }) => {
  test("are sorted by an executable as if each had its own map", async () => {
    const request = { inputPath: inputPath(), mapperName: "cat.sh", reducerName: "cat.sh", nReducers: 2 };
    const splitSize = Math.ceil(bytes / 4);
    const { id } = await edgefold.post({ ...request, splitSize, combineInputs: true });
    const job = await edgefold.completed(id);
    const parts = await edgefold.outputsOf(job);
    const texts = parts.map((part) => part.toString("latin1"));
    expect(texts).toEqual(expectedParts([...contents.values()], parts, "executable"));
    expect(job.inputData.splitEnd).toBe(bytes);
    const tasks = (await edgefold.tasks(id)).filter(({ type }) => type === "mapper");
    expect(tasks.length).toBe(job.progress.maps.total);
    expect(tasks.length).toBeGreaterThanOrEqual(4);
    expect(tasks.length).toBeLessThanOrEqual(5);
    for (const { inputData } of tasks) expect(inputData).toMatchObject({ path: inputPath(), splitStart: 0 });
    expect(tasks.reduce((sum, { inputData }) => sum + inputData.splitEnd, 0)).toBe(bytes);
  });

  test("are told apart by a module", async () => {
    const request = { inputPath: inputPath(), mapperName: "index.mjs", reducerName: "index.mjs", combineInputs: true };
    const job = await edgefold.completed((await edgefold.post(request)).id);
    expect(job.progress.maps.total).toBe(1);
    const expected = new Map<string, string[]>();
    for (const [name, content] of contents) {
      const path = inputPath() + encodeURIComponent(name);
      for (const line of content.toString().split(/\r?\n/).filter(Boolean)) {
        const word = line.split("\t")[0] ?? "";
        const paths = expected.get(word) ?? [];
        if (!paths.includes(path)) expected.set(word, [...paths, path]);
      }
    }
    const lines = [...expected].map(([word, paths]) => `${word}\t${paths.sort().join(" ")}\n`);
    expect((await edgefold.outputsOf(job)).map(String)).toEqual([lines.sort().join("")]);
  });
});

/** Runs a job whose maps write the object that they were told. @returns its parts */
const toldObjects = async (combineInputs: boolean): Promise<string[]> => {
  const inputPath = `file://${edgefold.files}/small/00?*`;
  const job = await edgefold.completed(
    (await edgefold.post({ inputPath, mapperName: "which.sh", nReducers: 0, combineInputs })).id,
  );
  return (await edgefold.outputsOf(job)).map(String);
};

test("an executable is told its object only if there is exactly one", async () => {
  expect(await toldObjects(true)).toEqual(["none\n"]);
  const names = [...contents].slice(0, 10).filter(([, content]) => content.length > 0);
  expect(await toldObjects(false)).toEqual(names.map(([name]) => `file://${edgefold.files}/small/${name}\n`));
});

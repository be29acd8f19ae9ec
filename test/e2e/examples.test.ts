import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileCat, compileExample } from "../helpers/assemblyscript.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { lacks } from "../helpers/interpreters.ts";

/** Runs every example as a real job, and compares its output with that of plain code here. */

let edgefold: Edgefold;
beforeAll(async () => {
  edgefold = await Edgefold.start();
});
afterAll(() => edgefold.stop());

const upload = async (path: string): Promise<void> => {
  const file = fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
  await edgefold.uploadFile(file, path.endsWith(".mjs") ? "module" : "executable");
};

/** The texts of the parts, with one character per byte. */
const outputTexts = async (request: Record<string, unknown>): Promise<string[]> => {
  const { id } = await edgefold.post(request);
  return (await edgefold.outputsOf(await edgefold.completed(id))).map((part) => part.toString("latin1"));
};

const linesOf = (text: string): string[] => text.split("\n").slice(0, -1);

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** The `key TAB value` lines of all parts. */
const pairsOf = (parts: readonly string[]): Map<string, string> => {
  const lines = parts.flatMap(linesOf);
  const pairs = new Map(lines.map((line) => [line.slice(0, line.indexOf("\t")), line.slice(line.indexOf("\t") + 1)]));
  expect(pairs.size).toBe(lines.length);
  return pairs;
};

const counted = (words: Iterable<string>): Map<string, string> => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return new Map([...counts].map(([word, count]) => [word, String(count)]));
};

/** Bytes that are not valid UTF-8, numbers that are equal but written differently, and no final newline. */
const text = `${Array.from({ length: 4000 }, (_, n) => `w${(n * n) % 97} fold\tfold\xff ${n % 3} ${n % 3}.0  \xe9t\xe9`).join("\n")}\nthe end`;

describe.concurrent("word count", () => {
  test("in WebAssembly, also with other programs", async () => {
    await edgefold.upload("count.wasm", await compileExample("word-count"), "wasm");
    await edgefold.upload(
      "awk-sum",
      '#!/usr/bin/awk -f\nBEGIN { FS = "\\t" }\n{ sum[$1 ""] += $2 }\nEND { for (word in sum) print word "\\t" sum[word] }\n',
    );
    const inputPath = await edgefold.put("data/wasm.txt", latin1(text));
    const request = { mapperName: "count.wasm", inputPath, nReducers: 2, splitSize: 30_000 };
    const expected = counted(text.split(/[ \t\n]+/));
    for (const more of [
      { reducerName: "count.wasm", combinerName: "count.wasm" },
      { aggregate: "sum" },
      { combinerName: "count.wasm", reducerName: "awk-sum" },
    ]) {
      expect(pairsOf(await outputTexts({ ...request, ...more }))).toEqual(expected);
    }
  });

  test("of lines that a WASI command passes on", async () => {
    await edgefold.upload("cat.wasm", await compileCat(), "wasm");
    const inputPath = await edgefold.put("data/cat.txt", "b\na\nb\n".repeat(10_000));
    const parts = await outputTexts({
      mapperName: "cat.wasm",
      aggregate: "count",
      inputPath,
      nReducers: 1,
      splitSize: 20_000,
    });
    expect(parts).toEqual(["a\t10000\nb\t20000\n"]);
    const passed = await outputTexts({ mapperName: "cat.wasm", reducerName: "cat.wasm", inputPath, nReducers: 1 });
    expect(passed).toEqual([`${"a\t\n".repeat(10_000)}${"b\t\n".repeat(20_000)}`]);
  });

  test("as modules, which know the letters of all languages", async () => {
    const words = "Über die Brücke, über den Fluß — ÜBER alles; 東京 東京\n".repeat(500);
    for (const program of ["mapper.mjs", "reducer.mjs"]) await upload(`word-count/${program}`);
    const request = { mapperName: "mapper.mjs", reducerName: "reducer.mjs", combinerName: "reducer.mjs", nReducers: 3 };
    const inputPath = await edgefold.put("data/modules.txt", words);
    const parts = await outputTexts({ ...request, inputPath, splitSize: 8000 });
    expect(parts).toHaveLength(3);
    const got = pairsOf(parts.map((part) => latin1(part).toString("utf8")));
    expect(got).toEqual(
      counted(
        words
          .toLowerCase()
          .split(/[\s,;—]+/)
          .filter(Boolean),
      ),
    );
  });

  for (const [language, extension, interpreter] of [
    ["Python", "py", "python3"],
    ["awk", "awk", "/usr/bin/awk"],
  ] as const) {
    test.skipIf(lacks(interpreter))(`in ${language}, also with the reducer as combiner`, async () => {
      const programs = { mapperName: `mapper.${extension}`, reducerName: `reducer.${extension}` };
      for (const program of Object.values(programs)) await upload(`word-count/${program}`);
      const inputPath = await edgefold.put(`data/${extension}.txt`, latin1(text));
      const request = { ...programs, inputPath, nReducers: 2, splitSize: 30_000 };
      const expected = counted(text.split(/[ \t\n]+/));
      const plain = await outputTexts(request);
      expect(pairsOf(plain)).toEqual(expected);
      expect(await outputTexts({ ...request, combinerName: programs.reducerName })).toEqual(plain);
    });
  }
});

/** The key of each line, and what comes after it. */
const rowsOf = (lines: readonly string[]): [string, string][] =>
  lines.map((line) => [line.split("\t", 1)[0] ?? "", line.split("\t").slice(1).join("\t")]);

/** The programs of an example in Python, and the module that does the work of both in WebAssembly. */
const versions = [
  {
    language: "Python",
    isHere: !lacks("python3"),
    programsOf: async (name: string, mapper: string, reducer: string) => {
      for (const program of [mapper, reducer]) await upload(`${name}/${program}`);
      return { mapperName: mapper, reducerName: reducer };
    },
  },
  {
    language: "WebAssembly",
    isHere: true,
    programsOf: async (name: string) => {
      await edgefold.upload(`${name}.wasm`, await compileExample(name), "wasm");
      return { mapperName: `${name}.wasm`, reducerName: `${name}.wasm` };
    },
  },
];

for (const { language, isHere, programsOf } of versions) {
  test.skipIf(!isHere)(`inverted index in ${language}: each word with the files that hold it`, async () => {
    const files = new Map([
      ["a.txt", "one two two\nthree\n"],
      ["b,c.txt", "two four\n"],
      ["d/e f.txt", "three\ntwo\none"],
    ]);
    const expected = new Map<string, string[]>();
    for (const [name, content] of files) {
      await edgefold.put(`data/index/${name}`, content);
      const address = `${edgefold.s3Endpoint}/data/index/${name.replace(",", "%2C")}`;
      for (const word of new Set(content.split(/\s+/).filter(Boolean))) {
        expected.set(word, [...(expected.get(word) ?? []), address]);
      }
    }
    const programs = await programsOf("inverted-index", "index-mapper.py", "index-reducer.py");
    const request = { ...programs, inputPath: `${edgefold.s3Endpoint}/data/index/`, splitSize: 8 };
    const plain = await outputTexts(request);
    expect(pairsOf(plain)).toEqual(new Map([...expected].map(([word, found]) => [word, found.sort().join(",")])));
    expect(await outputTexts({ ...request, combinerName: programs.reducerName })).toEqual(plain);
  });

  test.skipIf(!isHere)(`join in ${language}: each pair of rows of the same key`, async () => {
    const users = ["7\tAda", "3\tBob", "9\tEve", "nobody", "3\tBobby \xff"];
    const orders = ["3\tbook", "7\tpen\tblue", "3\tpen", "8\tink", "7", "3\tcup"];
    await edgefold.put("data/join/users/1.txt", latin1(users.join("\n")));
    await edgefold.put("data/join/orders/1.txt", latin1(orders.join("\n")));
    const expected = rowsOf(users).flatMap(([key, left]) =>
      rowsOf(orders).flatMap(([other, right]) => (key === other ? [`${key}\t${left}\t${right}`] : [])),
    );
    const programs = await programsOf("join", "join-mapper.py", "join-reducer.py");
    const inputPath = `${edgefold.s3Endpoint}/data/join/`;
    const parts = await outputTexts({ ...programs, mapperArgs: ["users/"], inputPath, nReducers: 1, splitSize: 20 });
    expect(parts.flatMap(linesOf).toSorted()).toEqual(expected.toSorted());
  });
}

const matching = (line: string): boolean => line.includes("fold") || line.includes("Fold");

test.skipIf(lacks("/bin/sh", "grep"))("grep: the matching lines, even if a split has none", async () => {
  const lines = [
    ...linesOf(`${text}\n`).slice(0, 200),
    ...Array.from({ length: 300 }, (_, n) => `nothing ${n}\0\xff`),
    "A Fold",
  ];
  await upload("grep/grep.sh");
  const inputPath = await edgefold.put("data/grep.txt", latin1(lines.join("\n")));
  const parts = await outputTexts({ inputPath, mapperName: "grep.sh", nReducers: 0, splitSize: 1500 });
  expect(parts.length).toBeGreaterThan(5);
  expect(parts).toContain("");
  expect(parts.flatMap(linesOf)).toEqual(lines.filter(matching));
});

test("sort: all lines in the order of their bytes", async () => {
  const lines = Array.from({ length: 5000 }, (_, n) => `${(n * 7919) % 5003}\t\xff${n % 7}\xe9`);
  await upload("sort/sort.mjs");
  for (const half of [0, 1]) {
    await edgefold.put(`data/sort/${half}.txt`, latin1(lines.filter((_, n) => n % 2 === half).join("\n")));
  }
  const programs = { mapperName: "sort.mjs", reducerName: "sort.mjs", nReducers: 1 };
  const parts = await outputTexts({ ...programs, inputPath: `${edgefold.s3Endpoint}/data/sort/`, splitSize: 10_000 });
  expect(parts.map(linesOf)).toEqual([lines.toSorted((a, b) => (a < b ? -1 : 1))]);
});

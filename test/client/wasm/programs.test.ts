import { globSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Program } from "../../../backend/runner/programs/program.ts";
import { compileExample } from "../../helpers/assemblyscript.ts";
import {
  inputPath,
  mapOnly,
  newContext,
  newFolder,
  newProgram,
  recordsIn,
  runMap,
  runReduce,
  shell,
} from "../../backend/runner/harness.ts";
import { buildExamples, compileSource, findCompiler, languages } from "./compilers.ts";

/** The examples in WebAssembly, and so the SDKs: those of all languages do the same. */

const root = join(import.meta.dirname, "../../..");
const examples = join(root, "examples/webassembly");

/** Lines in the order of their bytes. */
const sorted = (all: readonly Buffer[]): Buffer =>
  Buffer.concat(all.toSorted((a, b) => a.compare(b)).flatMap((line) => [line, Buffer.from("\n")]));

/** What a word count makes of a text, of which each character is a byte. */
const countedWords = (text: string): Buffer => {
  const counted = new Map<string, number>();
  for (const word of text.split(/[ \t\n]+/).filter(Boolean)) counted.set(word, (counted.get(word) ?? 0) + 1);
  return sorted(Array.from(counted, ([word, count]) => Buffer.from(`${word}\t${count}`, "latin1")));
};

const text = [
  ...Array.from({ length: 20_000 }, (_, i) => `the w${i % 977} and\t ü \xff\xfe${"x".repeat(i % 200)}`),
  // Values of one key in several batches, and a word longer than what is emitted at a time.
  " many".repeat(100_000),
  "long".repeat(50_000),
  "",
].join("\n");

const identity: Program = { role: "mapper", name: "identity", type: "builtin" };
const sum: Program = { role: "reducer", name: "sum", type: "builtin" };
const awk = (): Program =>
  shell(
    "reducer",
    `awk -F '\\t' '$1 != word { if (NR > 1) print word "\\t" sum; word = $1; sum = 0 } { sum += $2 } END { print word "\\t" sum }'`,
  );

const compiled = async (language: string, name: string): Promise<Buffer> =>
  await readFile(join(examples, language, `${name}.wasm`));

describe.each<readonly [string, (name: string) => Promise<Buffer>]>([
  ["AssemblyScript", compileExample],
  ["Rust", (name) => compiled("rust", name)],
  ["C", (name) => compiled("c", name)],
])("an example in %s", (_language, compile) => {
  test("counts words like a module, with combiner, aggregate or reducer", async () => {
    const bytes = await compile("word-count");
    const reducer = newProgram("reducer", "wasm", bytes);
    const combiner = newProgram("combiner", "wasm", bytes);
    const cases = [[reducer], [reducer, combiner], [sum], [awk()], [awk(), combiner]] as const;
    for (const [using, combining] of cases) {
      const context = newContext();
      const input = Buffer.from(text, "latin1");
      const output = await runMap(newProgram("mapper", "wasm", bytes), input, 1, context, combining, using);
      expect(context.counters.snapshot().builtin).toMatchObject({
        mapInputRecords: 20_002,
        mapInputBytes: input.length,
      });
      const reduced = await runReduce(using, [output], 0, newContext());
      expect([using.type, reduced.equals(countedWords(text))]).toEqual([using.type, true]);
    }
  });

  test("passes on any records as they are", async () => {
    const bytes = await compile("sort");
    const mapper = newProgram("mapper", "wasm", bytes);
    const reducer = newProgram("reducer", "wasm", bytes);
    const line = fc.oneof(
      fc
        .uint8Array({ maxLength: 40 })
        .map((each) => Buffer.from(each.map((byte) => (byte === 10 || byte === 13 ? 0 : byte)))),
      fc.nat(300).map((length) => Buffer.alloc(length, "some")),
      fc.nat(200_000).map((length) => Buffer.alloc(length, "long ")),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 30 }), async (records) => {
        const input = Buffer.concat(records.flatMap((record) => [record, Buffer.from("\n")]));
        expect((await mapOnly(mapper, input)).equals(input)).toBe(true);
        const output = await runMap(mapper, input, 1, newContext(), undefined, reducer);
        expect(recordsIn(output)).toBe(records.length);
        const counting = newContext();
        expect((await runReduce(reducer, [output], 0, counting)).equals(sorted(records))).toBe(true);
        expect(counting.counters.snapshot().builtin).toMatchObject({
          reduceInputRecords: records.length,
          reduceInputGroups: new Set(records.map((record) => record.toString("hex"))).size,
        });
      }),
      { numRuns: 30 },
    );
  });

  test("adds up numbers of 64 bits, and nothing else", async () => {
    const reducer = newProgram("reducer", "wasm", await compile("word-count"));
    const reduce = async (value: string): Promise<string> => {
      const output = await runMap(identity, `a\t${value}\n`, 1, newContext(), undefined, reducer);
      return (await runReduce(reducer, [output], 0, newContext())).toString();
    };
    for (const number of ["0", "-1", "9223372036854775807", "-9223372036854775808"])
      expect(await reduce(number)).toBe(`a\t${number}\n`);
    for (const wrong of wrongNumbers) await expect(reduce(wrong)).rejects.toThrow("is no number of 64 bits");
  });

  test("finds the lines with a text", async () => {
    const grep = newProgram("mapper", "wasm", await compile("grep"));
    const words = fc.array(fc.constantFrom("fold", "fol", "d", "f", " ", "old", "ä"), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(words, { maxLength: 60 }),
        fc.constantFrom("fold", "d", "ffold", "oldä"),
        async (parts, wanted) => {
          const all = parts.map((each) => `${each.join("")}\n`);
          const found = await mapOnly({ ...grep, args: [wanted] }, all.join(""));
          expect(found.toString()).toBe(all.filter((each) => each.includes(wanted)).join(""));
        },
      ),
      { numRuns: 50 },
    );
    for (const args of [[], [""], ["a", "b"]]) {
      await expect(mapOnly({ ...grep, args }, "a\n")).rejects.toThrow("the argument must be the text to look for");
    }
  });
});

/** What programs do not take for numbers. */
const wrongNumbers = ["", "-", "+1", "1 ", "0x1", "9223372036854775808", "-9223372036854775809", "9".repeat(30)];

test("a command in Rust counts words", async () => {
  const command = newProgram("mapper", "command", await compiled("rust", "word-count-command"));
  const output = await runMap(command, Buffer.from(text, "latin1"), 1, newContext(), undefined, sum);
  expect((await runReduce(sum, [output], 0, newContext())).equals(countedWords(text))).toBe(true);
});

describe.each(languages)("what is kept compiled in %s", (language) => {
  const namesOf = (extension: string): string[] =>
    globSync(`*.${extension}`, { cwd: join(examples, language) })
      .map((file) => basename(file, `.${extension}`))
      .sort();
  const kept = namesOf("wasm").map((name) => [name, readFileSync(join(examples, language, `${name}.wasm`))] as const);
  const [, first = Buffer.alloc(0)] = kept[0] ?? [];
  const compiler = findCompiler(language, first);

  test("is all that there is, and small", () => {
    expect(kept.map(([name]) => name)).toEqual(namesOf(language === "rust" ? "rs" : language));
    expect(kept.filter(([, bytes]) => bytes.length > 100_000)).toEqual([]);
  });

  const reason = compiler === undefined ? " (the compiler that has made it is not installed)" : "";
  test.skipIf(compiler === undefined)(`is what its source compiles to${reason}`, { timeout: 120_000 }, async () => {
    const folder = newFolder();
    await buildExamples(language, compiler ?? "", folder);
    for (const [name, bytes] of kept) {
      const built = await readFile(join(folder, language, `${name}.wasm`));
      expect([name, built.equals(bytes)]).toEqual([name, true]);
    }
  });
});

describe.each([
  ["Rust", "rust", "rs"],
  ["C", "c", "c"],
  ["C++", "c", "c"],
] as const)("the other functions in %s", (kind, language, extension) => {
  const compiler = findCompiler(language);
  const reason = compiler === undefined ? " (there is no compiler)" : "";
  test.skipIf(compiler === undefined)(`do what they say${reason}`, async () => {
    const bytes = await compileSource(compiler ?? "", kind, `all-functions.${extension}`, newFolder());
    const mapper = { ...newProgram("mapper", "wasm", bytes), args: ["first", "", "zweites ü"] };
    let logged = "";
    const context = newContext({ log: (each) => void (logged += Buffer.from(each).toString()) });
    const found = `first||zweites ü|job-m-0|${inputPath}\n`;
    expect((await mapOnly(mapper, "a\n\n", context)).toString()).toBe(`${found}${found}lines\t2\n`);
    expect(context.counters.snapshot().user).toEqual({ group: { näme: -6 } });
    expect([context.statuses, logged]).toEqual([["at work", "at work"], "said\nsaid\n"]);
    await expect(mapOnly(mapper, "fail\n")).rejects.toThrow(
      "in records 1 to 1 of its input from http://store/in.txt: no column 7",
    );
    await expect(mapOnly(mapper, "panic\n")).rejects.toThrow(kind === "Rust" ? "no column 8" : "unreachable");

    const reducer = newProgram("reducer", "wasm", bytes);
    const reduce = async (values: string): Promise<string> => {
      const output = await runMap(identity, values, 1, newContext(), undefined, reducer);
      return (await runReduce(reducer, [output], 0, newContext())).toString();
    };
    expect(await reduce("")).toBe("all\n");
    const numbers = ["0", "-1", "9223372036854775807", "-9223372036854775808"];
    expect(await reduce(numbers.map((number) => `a\t${number}\n`).join("") + "b\t007\n")).toBe(
      `start\ta\n${numbers.map((number) => `a\t${number}\n`).join("")}end\ta\nstart\tb\nb\t7\nend\tb\nall\n`,
    );
  });
});

/** The program in a language's page of the guide. */
const shown = (language: string): string => {
  const page = readFileSync(join(root, `docs/guide/webassembly-${language}.md`), "utf8");
  return new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(page)?.[1] ?? "";
};

test("the guide shows the word counts", () => {
  const rust = readFileSync(join(examples, "rust/word-count.rs"), "utf8").replace(/^#\[path.*\n/, "");
  const c = readFileSync(join(examples, "c/word-count.c"), "utf8").replace(/"[^"]*edgefold.h"/, '"edgefold.h"');
  expect([shown("rust"), shown("c")]).toEqual([rust, c]);
});

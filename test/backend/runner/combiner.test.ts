import { describe, expect, test } from "vitest";
import type { ArtifactProgram, Program } from "../../../backend/runner/programs/program.ts";
import { mapToSegments } from "../../../backend/runner/tasks/map.ts";
import {
  lines,
  type MapOutput,
  MemorySink,
  newContext,
  newProgram,
  runMap,
  runReduce,
  shell,
  type TestContext,
  recordsIn,
} from "./harness.ts";

const partitions = 3;
const words = Array.from({ length: 3000 }, (_, i) => `word-${(i * i) % 97}`).join("\n");
/** Values that are not the same in a row, so that each takes memory. */
const splitter = newSource("let n = 0; export const map = (line, emit) => emit(line, n++ % 2 ? '1' : '01')");
const sum = "(k, vs, emit) => { let n = 0; for (const v of vs) n += Number(v); emit(k, n) }";
const sumModule = newSource(`export const combine = ${sum}; export const reduce = ${sum}`);
const sumScript = "exec awk -F '\\t' '{ n[$1] += $2 } END { for (k in n) print k \"\\t\" n[k] }'";

/** A program whose output passes through a process that outlives it. */
const late = (role: Program["role"]): ArtifactProgram =>
  newProgram(role, "executable", `#!/bin/bash\nexec > >(sleep 2.2; cat)\n${sumScript.replace("exec ", "")}\n`);

function newSource(source: string): (role: Program["role"]) => ArtifactProgram {
  return (role) => newProgram(role, "module", source);
}

async function results(output: MapOutput): Promise<string[]> {
  const all: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    all.push((await runReduce(sumModule("reducer"), [output], partition, newContext())).toString());
  }
  return all;
}

function builtin(context: TestContext): Record<string, number> {
  return context.counters.snapshot().builtin;
}

describe("a combiner gives the same result with fewer records", () => {
  test.each([
    ["module", 1e6, 10],
    ["module", 6000, 10],
    ["module", 2000, 2],
    ["executable", 1e6, 10],
    ["executable", 30_000, 2],
    ["executable that ends early", 10_000, 2],
  ])("%s, %d bytes of memory, merging %d", async (kind, sortBuffer, mergeFactor) => {
    const plain = await results(await runMap(splitter("mapper"), words, partitions, newContext()));
    const context = newContext({ sortBuffer, mergeFactor });
    const combiner = kind === "module" ? sumModule("combiner") : shell("combiner", sumScript);
    const output = await runMap(splitter("mapper"), words, partitions, context, combiner);
    expect(await results(output)).toEqual(plain);
    const distinct = new Set(words.split("\n")).size;
    expect(recordsIn(output)).toBe(distinct);
    expect(builtin(context)["combineInputRecords"]).toBeGreaterThanOrEqual(3000);
    expect(builtin(context)["combineOutputRecords"]).toBeLessThan(builtin(context)["combineInputRecords"] ?? 0);
  });
});

test("a combiner may stop reading", async () => {
  const context = newContext({ sortBuffer: 10_000, mergeFactor: 2 });
  const output = await runMap(splitter("mapper"), words, partitions, context, shell("combiner", "head -n 1"));
  expect(recordsIn(output)).toBe(1);
});

test("output that combiners and reducers write after they have ended is read too", async () => {
  const output = await runMap(splitter("mapper"), "a\nb\na\n", 1, newContext(), late("combiner"));
  expect(recordsIn(output)).toBe(2);
  const reduced = (await runReduce(late("reducer"), [output], 0, newContext())).toString();
  expect(reduced.split("\n").toSorted()).toEqual(["", "a\t2", "b\t1"]);
});

test("what fits after combining is never spilled", async () => {
  const context = newContext({ sortBuffer: 30_000 });
  await runMap(splitter("mapper"), words, partitions, context, sumModule("combiner"));
  expect(builtin(context)["spilledRecords"]).toBeUndefined();
  expect(builtin(context)["combineInputRecords"]).toBeGreaterThan(3000);
});

describe("a combiner does not run if the first keys hardly repeat", () => {
  const unique = Array.from({ length: 20_000 }, (_, i) => `word-${i}`);
  const twice = newSource("export const map = (line, emit) => { emit(line, 1); emit(line, 2) }");
  const input = [...unique, ...unique.slice(0, 300)].join("\n");

  test("and gives the same result", async () => {
    const context = newContext({ sortBuffer: 4e6 });
    const output = await runMap(splitter("mapper"), input, partitions, context, sumModule("combiner"));
    expect(builtin(context)["combineInputRecords"]).toBeUndefined();
    expect(recordsIn(output)).toBe(20_300);
    expect(await results(output)).toEqual(
      await results(await runMap(splitter("mapper"), input, partitions, newContext())),
    );
  });

  test("but does if they do, as soon as each comes twice", async () => {
    const context = newContext({ sortBuffer: 4e6 });
    const output = await runMap(twice("mapper"), input, partitions, context, sumModule("combiner"));
    expect(builtin(context)["combineInputRecords"]).toBeGreaterThanOrEqual(40_600);
    expect(recordsIn(output)).toBe(20_000);
  });

  test("but does if the reducer cannot read what the mapper emits", async () => {
    const [sink, context] = [new MemorySink(), newContext({ sortBuffer: 4e6 })];
    const combiner = newSource("export const combine = (key, values, emit) => emit(JSON.stringify(key), 1)")(
      "combiner",
    );
    const tabs = newProgram("mapper", "module", "export const map = (line, emit) => emit(line + '\\t', 1)");
    const task = { mapper: tabs, combiner, reducer: shell("reducer", "cat"), input: lines(input) };
    await mapToSegments({ ...task, partitions: 1, compressing: false, sink, context });
    expect(builtin(context)["combineInputRecords"]).toBeGreaterThanOrEqual(20_300);
  });
});

test("a combiner may change keys: records go to the partition and position of the new key", async () => {
  const renaming = newSource(
    "export const combine = (k, vs, emit) => { for (const v of vs) emit('z' + k.slice(5) % 10, v) }",
  );
  for (const sortBuffer of [1e6, 5000]) {
    const mapper = splitter("mapper");
    const context = newContext({ sortBuffer, mergeFactor: 2 });
    const output = await runMap(mapper, "word-1\nword-12\nword-22\n", partitions, context, renaming("combiner"));
    expect((await results(output)).join("").split("\n").sort().filter(Boolean)).toEqual(["z1\t1", "z2\t2"]);
  }
});

test("a single call of map can fill the memory many times over", async () => {
  const mapper = newProgram(
    "mapper",
    "module",
    "export const map = (line, emit) => { for (let i = 0; i < 5000; i++) emit(i % 9, i % 2 ? '1' : '01') }",
  );
  const context = newContext({ sortBuffer: 8000, mergeFactor: 3 });
  const output = await runMap(mapper, "a\nb\n", partitions, context, sumModule("combiner"));
  expect(recordsIn(output)).toBe(9);
  expect((await results(output)).join("").split("\n").sort().filter(Boolean)).toEqual(
    Array.from({ length: 9 }, (_, i) => `${i}\t${i < 5 ? 1112 : 1110}`),
  );
});

test("a failing combiner fails the attempt, under a module and under an executable", async () => {
  const failing = shell("combiner", "echo sorry >&2; exit 2");
  for (const mapper of [splitter("mapper"), shell("mapper", "seq 3000")]) {
    const context = newContext({ sortBuffer: 20_000 });
    await expect(runMap(mapper, words, 2, context, failing)).rejects.toThrow(
      "combiner program exited with code 2: sorry",
    );
  }
  const lacking = newSource("export const reduce = () => {}");
  await expect(runMap(splitter("mapper"), words, 2, newContext(), lacking("combiner"))).rejects.toThrow("`combine`");
});

/** A mapper that emits the same record for each line. */
const emits = (record: string): Program =>
  newProgram("mapper", "module", `export const map = (line, emit) => emit(${record})`);

describe("what a module passes to an executable", () => {
  const executable = shell("reducer", "cat");
  const long = '"x".repeat(100)';

  test.each([
    ['"a\\tb", 1', "the key holds a tab"],
    ['"x\\ny", 1', "the key holds a newline"],
    [`${long} + "\\t", 1`, "the key holds a tab"],
    ['"x", "1\\n2"', "the value holds a newline"],
    [`"x", ${long} + "\\n"`, "the value holds a newline"],
    ['Buffer.from("x\\n")', "the key holds a newline"],
  ])("must be a line: emit(%s)", async (record, problem) => {
    for (const readers of [{ reducer: executable }, { combiner: shell("combiner", "cat") }]) {
      const sink = new MemorySink();
      const task = { mapper: emits(record), input: lines("a\n"), partitions: 1, sink, compressing: false, ...readers };
      await expect(mapToSegments({ ...task, context: newContext() })).rejects.toThrow(
        new RegExp(`at record 1 .*${problem}, at key ".*the executable (reducer|combiner) program .*encode it`),
      );
    }
  });

  test("may contain a tab in its value, and anything if passed to a module", async () => {
    const task = { input: lines("a\n"), partitions: 1, compressing: false };
    const toModule = { mapper: emits('"a\\tb", "1\\n2"'), reducer: sumModule("reducer") };
    await mapToSegments({ ...task, ...toModule, sink: new MemorySink(), context: newContext() });
    const toExecutable = { mapper: emits('"a", "1\\t2"'), reducer: executable };
    await mapToSegments({
      ...task,
      ...toExecutable,
      input: lines("a\n"),
      sink: new MemorySink(),
      context: newContext(),
    });
  });

  test("must also be lines when a combiner emits it", async () => {
    const combiner = newProgram(
      "combiner",
      "module",
      "export const combine = (key, values, emit) => emit(key + '\\t', 1)",
    );
    const task = { mapper: splitter("mapper"), combiner, input: lines("a\n"), partitions: 1, compressing: false };
    const ended = mapToSegments({ ...task, reducer: executable, sink: new MemorySink(), context: newContext() });
    await expect(ended).rejects.toThrow("the key holds a tab");
  });
});

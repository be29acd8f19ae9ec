import { describe, expect, test } from "vitest";
import type { BuiltinName } from "../../../shared/builtin-programs.ts";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import type { BuiltinProgram, Program } from "../../../backend/runner/programs/program.ts";
import { lines, MemorySink, newContext, newProgram, recordsIn, runMap, runReduce, shell } from "./harness.ts";

const builtin = (role: "mapper" | "reducer", name: BuiltinName): BuiltinProgram => ({ role, name, type: "builtin" });
const identity = builtin("mapper", "identity");

/** Runs a job of several maps and one reduce. */
const run = async (mapper: Program, inputs: readonly string[], reducer: Program, sortBuffer = 1024 * 1024) => {
  const context = newContext({ sortBuffer });
  const outputs = [];
  for (const input of inputs) outputs.push(await runMap(mapper, input, 1, context, undefined, reducer));
  const text = (await runReduce(reducer, outputs, 0, context)).toString("latin1");
  return { text, outputs, counters: context.counters.snapshot().builtin };
};

const numbers = "b\t5\na\t-3\nb\t+07\na\t40\n";

describe("an aggregate", () => {
  const mappers: [string, () => Program][] = [
    ["the identity", () => identity],
    ["an executable", () => shell("mapper", "cat")],
    ["a module", () => newProgram("mapper", "module", "export const map = (line, emit) => emit(...line.split('\\t'))")],
  ];
  test.each(mappers)("of what %s emits", async (_, makeMapper) => {
    const mapper = makeMapper();
    const of = async (name: BuiltinName): Promise<string> =>
      (await run(mapper, [numbers, "c\t1\nb\t2\n"], builtin("reducer", name))).text;
    expect(await of("sum")).toBe("a\t37\nb\t14\nc\t1\n");
    expect(await of("min")).toBe("a\t-3\nb\t2\nc\t1\n");
    expect(await of("max")).toBe("a\t40\nb\t7\nc\t1\n");
    expect(await of("count")).toBe("a\t2\nb\t3\nc\t1\n");
    expect(await of("first")).toBe("a\t-3\nb\t5\nc\t1\n");
    expect(await of("uniq")).toBe("a\nb\nc\n");
  });

  test("is computed in the maps, and counted as combining", async () => {
    const { outputs, counters } = await run(identity, [numbers, "c\t1\nb\t2\n"], builtin("reducer", "sum"));
    expect(outputs.map(recordsIn)).toEqual([2, 2]);
    expect(counters).toMatchObject({
      mapInputRecords: 6,
      mapOutputRecords: 6,
      mapOutputBytes: 6 + 1 + 2 + 3 + 2 + 1 + 1,
      combineInputRecords: 6,
      combineOutputRecords: 4,
      reduceInputRecords: 4,
      reduceInputGroups: 3,
      outputRecords: 3,
      outputBytes: 14,
    });
  });

  test("is right with more keys than fit into memory", async () => {
    const many = Array.from({ length: 30_000 }, (_, i) => `key-${(i * 7919) % 10_007}-of-many\t${i}\n`);
    const { text, counters } = await run(identity, [many.join("")], builtin("reducer", "sum"), 64 * 1024);
    expect(counters.spilledRecords).toBeGreaterThan(0);
    const sums = new Map<string, number>();
    for (const line of many) {
      const [key = "", value] = line.split("\t");
      sums.set(key, (sums.get(key) ?? 0) + Number(value));
    }
    expect(text).toBe(
      Array.from(sums, ([key, sum]) => `${key}\t${sum}\n`)
        .toSorted()
        .join(""),
    );
  });

  test.each([
    ["1.5", "1.5"],
    ["", ""],
    ["-", "-"],
    ["1 ", "1 "],
    ["9223372036854775808", "9223372036854775808"],
    ["x".repeat(100_000), "x".repeat(200)],
  ])("fails at a value that is no integer of 64 bits", async (value, shown) => {
    const context = newContext();
    const mapped = runMap(identity, `a\t1\nthe\t${value}\nb\t2\n`, 1, context, undefined, builtin("reducer", "max"));
    await expect(mapped).rejects.toThrow(
      `mapper identity emits what cannot be aggregated: the key "the" has the value "${shown}"`,
    );
  });

  test("a module cannot hide that it has emitted such a value", async () => {
    const source = "export const map = (line, emit) => { try { emit(line, line) } catch {} }";
    const mapped = runMap(
      newProgram("mapper", "module", source),
      `${"1\n".repeat(50_000)}word\n${"1\n".repeat(50_000)}`,
      1,
      newContext(),
      undefined,
      builtin("reducer", "sum"),
    );
    await expect(mapped).rejects.toThrow('the key "word" has the value "word", of which there is no sum');
  });

  test("fails at a sum beyond 64 bits, in a map or in the reduce", async () => {
    const most = "a\t9223372036854775807\n";
    const sum = builtin("reducer", "sum");
    expect((await run(identity, [most, "a\t-9223372036854775808\n"], sum)).text).toBe("a\t-1\n");
    const message = 'the sum of the key "a" is beyond 64 bits at the value "1"';
    await expect(run(identity, [`${most}a\t1\n`], sum)).rejects.toThrow(`mapper identity emits what cannot be`);
    await expect(run(identity, [`${most}a\t1\n`], sum)).rejects.toThrow(message);
    await expect(run(identity, [most, "a\t1\n"], sum)).rejects.toThrow(`reducer sum fails: ${message}`);
  });
});

describe("the identity", () => {
  test("as mapper and reducer sorts lines by key, and keeps the order of equal keys", async () => {
    const { text, counters } = await run(
      identity,
      ["b\t2\nlast\r\nb\t1", "a\tx\ty\n\tno key\nb\t0\n\n"],
      builtin("reducer", "identity"),
    );
    expect(text).toBe("\tno key\n\na\tx\ty\nb\t2\nb\t1\nb\t0\nlast\n");
    expect(counters).toMatchObject({
      mapInputRecords: 7,
      mapOutputRecords: 7,
      reduceInputRecords: 7,
      outputRecords: 7,
    });
  });

  test("as mapper gives a reducer its records, and as reducer takes a mapper's", async () => {
    const count = shell("reducer", "cut -f1 | uniq -c | sed 's/^ *//'");
    expect((await run(identity, ["b\t1\na\nb\t2\n"], count)).text).toBe("1 a\n2 b\n");
    const upper = shell("mapper", "tr a-z A-Z");
    expect((await run(upper, ["b\t1\na\nb\t2\n"], builtin("reducer", "identity"))).text).toBe("A\nB\t1\nB\t2\n");
  });

  test("in a map-only job passes on lines as they are", async () => {
    const sink = new MemorySink();
    const context = newContext();
    await mapToText({ mapper: identity, input: lines("b\t1\r\na\t\n\nlast"), context, sink });
    expect(sink.text).toBe("b\t1\na\t\n\nlast\n");
    expect(context.counters.snapshot().builtin).toMatchObject({
      mapInputRecords: 4,
      outputRecords: 4,
      outputBytes: 13,
    });
  });
});

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import {
  inputPath,
  lines,
  MemorySink,
  newContext,
  newProgram,
  runMap,
  runReduce,
  type TestContext,
} from "./harness.ts";

async function map(source: string, input: string | Buffer, context: TestContext = newContext()): Promise<string> {
  const sink = new MemorySink();
  await mapToText({ mapper: newProgram("mapper", "module", source), input: lines(input), context, sink });
  return sink.text;
}

async function reduce(source: string, input: string, context: TestContext = newContext()): Promise<string> {
  const identity = 'export const map = (line, emit) => emit(...line.split("\\t"))';
  const output = await runMap(newProgram("mapper", "module", identity), input, 1, newContext());
  return (await runReduce(newProgram("reducer", "module", source), [output], 0, context)).toString();
}

describe("map", () => {
  test("emits strings, bytes, numbers and booleans; a value is optional", async () => {
    const source = `export function map(line, emit) {
      emit(line, "é" + "ü".repeat(100)); emit(line); emit(Buffer.from([255]), new Uint8Array([65]));
      emit(1, 2n); emit(true, 1.5); emit("", "v"); emit("", ""); emit("x".repeat(70), "\\ud800");
    }`;
    const context = newContext();
    expect(await map(source, "añ\n", context)).toBe(
      `añ\té${"ü".repeat(100)}\nañ\n\ufffd\tA\n1\t2\ntrue\t1.5\n\tv\n\n${"x".repeat(70)}\t\ufffd\n`,
    );
    expect(context.counters.snapshot().builtin).toMatchObject({
      mapInputRecords: 1,
      mapOutputRecords: 8,
      outputRecords: 8,
    });
  });

  test("emits to a reduce what String makes of a number", async () => {
    const numbers = [0, 9, 10, -0, -1, 1.5, NaN, Infinity, 2 ** 32, 1e21];
    const source = `export const map = (n, emit) => emit("n", Number(n));`;
    const input = `0\n9\n10\n-0\n-1\n1.5\nNaN\nInfinity\n${2 ** 32}\n1e21\n`;
    const output = await runMap(newProgram("mapper", "module", source), input, 1, newContext());
    const all = "export const reduce = (key, values, emit) => emit(key, [...values].join());";
    const reduced = await runReduce(newProgram("reducer", "module", all), [output], 0, newContext());
    expect(reduced.toString()).toBe(`n\t${numbers.join()}\n`);
  });

  test("may be asynchronous, and gets a context", async () => {
    const source = `export async function map(line, emit, context) {
      await null;
      context.counter("g", "lines"); context.counter("g", "letters", line.length); context.status("at " + line);
      emit(context.inputPath, context.environment.EDGEFOLD_TASK);
    }`;
    const context = newContext();
    expect(await map(source, "a\nbcd\n", context)).toBe("http://store/in.txt\tjob-m-0\n".repeat(2));
    expect(context.counters.snapshot().user).toEqual({ g: { lines: 2, letters: 4 } });
    expect(context.statuses).toEqual(["at a", "at bcd"]);
  });

  test("cannot emit after its task has ended", async () => {
    const source = `export const map = (line, emit) => {
      globalThis.late = () => { try { emit(line); return "taken"; } catch (error) { return error.message; } };
      emit(line);
    };`;
    expect(await map(source, "a\n")).toBe("a\n");
    expect(Reflect.get(globalThis, "late")()).toBe("emit was called when the task had ended");
  });

  test("gets bytes if it asks for them", async () => {
    const source = `export const encoding = "bytes";
      export const map = (line, emit) => emit(line, Buffer.isBuffer(line) + ":" + line.length)`;
    expect(await map(source, Buffer.from([0xff, 0x0a]))).toBe("\ufffd\ttrue:1\n");
  });

  test("each attempt has its own state", async () => {
    const program = newProgram("mapper", "module", "let n = 0; export const map = (line, emit) => emit(++n)");
    for (const _ of [1, 2]) {
      const sink = new MemorySink();
      await mapToText({ mapper: program, input: lines("a\nb\n"), context: newContext(), sink });
      expect(sink.text).toBe("1\n2\n");
    }
  });

  test("the output of one call is not held in memory, and stays in order", async () => {
    const source = `export function map(line, emit) { for (let i = 0; i < 60000; i++) emit(line, String(i).padStart(20)); }`;
    const expected = ["a", "b"].flatMap((key) =>
      Array.from({ length: 60_000 }, (_, i) => `${key}\t${String(i).padStart(20)}`),
    );
    expect((await map(source, "a\nb\n")) === `${expected.join("\n")}\n`).toBe(true);
  });
});

describe("mapBatch", () => {
  const many = Array.from({ length: 30_000 }, (_, i) => `line ${i}`);

  test("gets many whole lines at a time, and goes before `map`", async () => {
    const source = `export const map = () => { throw new Error("map") };
      export function mapBatch(lines, emit, { inputPath }) {
        if (!lines.endsWith("\\n") || lines.length > 65536) throw new Error("no batch");
        emit("batch", inputPath);
        for (const line of lines.slice(0, -1).split("\\n")) emit(line);
      }`;
    const context = newContext();
    const output = (await map(source, `${many.join("\n")}\nthe last, é`, context)).split("\n");
    const batch = "batch\thttp://store/in.txt";
    expect(output.filter((line) => line !== batch)).toEqual([...many, "the last, é", ""]);
    expect(output.filter((line) => line === batch).length).toBeLessThan(40);
    expect(context.counters.snapshot().builtin).toMatchObject({ mapInputRecords: 30_001 });
  });

  test("gets a long line by itself, as bytes if it asks for them", async () => {
    const source = `export const encoding = "bytes";
      export async function mapBatch(lines, emit) {
        await null;
        let count = 0;
        for (let at = lines.indexOf(10); at !== -1; at = lines.indexOf(10, at + 1)) count++;
        emit(String(count), String(lines.length));
      }`;
    expect(await map(source, `a\nb\n${"x".repeat(100_000)}\nc\n\n`)).toBe("2\t4\n1\t100001\n2\t3\n");
    expect(await map(source, Buffer.from([0xff, 0x0a]))).toBe("1\t2\n");
  });

  test("says which records it failed at", async () => {
    const source = `export const mapBatch = (lines) => { if (lines.startsWith("line 0")) throw new Error("no") }`;
    await expect(map(source, "line 0\nline 1\n")).rejects.toThrow("in records 1 to 2 of its input");
    await expect(map(source, "line 0\n")).rejects.toThrow("at record 1 of its input");
    await expect(map("export const mapBatch = 1; export const map = () => {}", "a\n")).rejects.toThrow(
      "does not export a function `mapBatch`",
    );
  });
});

describe("reduce", () => {
  const input = "b\t1\na\t1\nb\t2\na\t2\nb\t3\nc\t\n";

  test("gets keys in order and their values lazily", async () => {
    expect(await reduce("export const reduce = (k, vs, emit) => emit(k, [...vs].join())", input)).toBe(
      "a\t1,2\nb\t1,2,3\nc\n",
    );
    const context = newContext();
    const total = "export const reduce = (k, vs, emit) => emit(k, vs.map(Number).reduce((a, b) => a + b, 0))";
    expect(await reduce(total, input, context)).toBe("a\t3\nb\t6\nc\t0\n");
    expect(context.counters.snapshot().builtin).toMatchObject({
      reduceInputRecords: 6,
      reduceInputGroups: 3,
      outputRecords: 3,
    });
  });

  test("unread values are skipped, also with for await", async () => {
    expect(await reduce("export const reduce = (k, vs, emit) => emit(k)", input)).toBe("a\nb\nc\n");
    const first =
      "export async function reduce(k, vs, emit) { for await (const v of vs) { emit(k, v); break } emit(k, [...[]].length) }";
    expect(await reduce(first, input)).toBe("a\t1\na\t0\nb\t1\nb\t0\nc\nc\t0\n");
  });

  test("values can only be iterated once, and before `reduce` returns", async () => {
    const twice = "export const reduce = (k, vs) => { [...vs]; [...vs] }";
    await expect(reduce(twice, input)).rejects.toThrow(
      "failed at key 1 of its input: TypeError: the values of a key can be walked over once",
    );
    const late = "let kept; export const reduce = (k, vs) => { kept?.next(); kept = vs }";
    await expect(reduce(late, input)).rejects.toThrow("the values were used after `reduce` had returned");
  });

  test("a key can have more values than fit in memory", async () => {
    const values = Array.from({ length: 50_000 }, (_, i) => `k\t${i}`).join("\n");
    const sum =
      "export function reduce(k, vs, emit) { let n = 0, s = 0; for (const v of vs) { n++; s += +v } emit(k, n + ' ' + s) }";
    expect(await reduce(sum, values, newContext({ sortBuffer: 10_000 }))).toBe(`k\t50000 ${(50_000 * 49_999) / 2}\n`);
  });
});

describe("how it fails", () => {
  test.each<[string, string, string | Buffer, RegExp]>([
    ["no export", "export const reduce = 1", "a\n", /^mapper program.js does not export a function `map`$/],
    [
      "a wrong encoding",
      'export const encoding = "latin1"; export const map = () => {}',
      "a\n",
      /neither "utf8" nor "bytes"/,
    ],
    [
      "a rejection",
      "export const map = async () => { throw new Error('later') }",
      "a\n",
      /at record 1 of its input from http:\/\/store\/in.txt: Error: later/,
    ],
    [
      "something thrown that is no error",
      "export const map = () => { throw 'text' }",
      "a\n",
      /its input from \S+: text$/,
    ],
    [
      "an undefined key",
      "export const map = (l, emit) => emit(undefined)",
      "a\n",
      /the key must be .* of type undefined/,
    ],
    ["a null value", "export const map = (l, emit) => emit('k', null)", "a\n", /the value must be .* it is null/],
    ["an object", "export const map = (l, emit) => emit('k', {})", "a\n", /the value must be .* of type object/],
    ["an array", "export const map = (l, emit) => emit([])", "a\n", /the key must be .* it is an array/],
    [
      "invalid UTF-8",
      "export const map = () => {}",
      Buffer.from("ok\né\x80\n", "latin1"),
      /record 2 .*invalid UTF-8 at byte 0/,
    ],
    [
      "invalid UTF-8 later",
      "export const map = () => {}",
      Buffer.from("6162c3a980", "hex"),
      /record 1 .*UTF-8 at byte 4/,
    ],
    ["truncated UTF-8", "export const map = () => {}", Buffer.from("61efbf", "hex"), /record 1 .*UTF-8 at byte 1/],
    ["a large record", "export const map = (l, emit) => emit('x'.repeat(2000))", "a\n", /RECORD_LIMIT, 1000 bytes/],
    [
      "much output",
      "export const map = (l, emit) => { for (;;) emit('xxxx') }",
      "a\n",
      /TASK_OUTPUT_LIMIT, 5000 bytes/,
    ],
    ["a counter", "export const map = (l, e, c) => c.counter('g', 'n', 0.5)", "a\n", /the amount must be an integer/],
  ])("%s", async (_, source, input, message) => {
    const context = newContext({ recordLimit: 1000, outputLimit: 5000 });
    await expect(map(source, input, context)).rejects.toThrow(message);
  });

  test.each<[string, string, RegExp]>([
    [
      "a syntax error",
      "export const map = (",
      /^mapper program.js cannot be loaded: SyntaxError: Unexpected end of input/,
    ],
    [
      "while loading",
      "throw new Error('no');\nexport const map = 1",
      /^mapper program.js cannot be loaded: Error: no\n\s+at program.js:1:7$/,
    ],
    [
      "an error of the program",
      "function inner() { throw new RangeError('bad') }\nexport const map = (line) => { if (line === 'b') inner() }",
      /^mapper program.js failed at record 2 of its input from http:\/\/store\/in.txt: RangeError: bad\n\s+at inner \(program.js:1:26\)\n\s+at \S*map \(program.js:2:\d+\)$/,
    ],
    [
      "not at all",
      "import { EOL } from 'node:os'; export const map = (line, emit) => emit(line + EOL.length)",
      /^a1\nb1\n$/,
    ],
  ])("as Node loads it: %s", (_, source, message) => {
    const { path } = newProgram("mapper", "module", source);
    const script = join(import.meta.dirname, "map-in-node.ts");
    expect(execFileSync(process.execPath, [script, path, "a\nb\n"], { encoding: "utf8" })).toMatch(message);
  });

  test("an abort ends a call that never returns, and a loop over the input", async () => {
    const reason = new Error("the lease is over");
    const hanging = new AbortController();
    const source =
      "export const map = (line, emit, context) => { context.status('called'); return new Promise(() => {}) }";
    const context = { ...newContext({ signal: hanging.signal }), status: () => hanging.abort(reason) };
    await expect(map(source, "a\n", context)).rejects.toBe(reason);
    const looping = new AbortController();
    const input = (async function* () {
      for (let batch = 0; ; batch++) {
        if (batch === 10) looping.abort(reason);
        yield { bytes: Buffer.from("a\n"), records: 1, path: inputPath };
      }
    })();
    const mapper = newProgram("mapper", "module", "export const map = () => {}");
    const ended = mapToText({ mapper, input, context: newContext({ signal: looping.signal }), sink: new MemorySink() });
    await expect(ended).rejects.toBe(reason);
  });
});

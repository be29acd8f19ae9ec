import { describe, expect, test } from "vitest";
import { assemble } from "../../helpers/wat.ts";
import { mapOnly, newProgram } from "./harness.ts";

/** What no compiler makes of a program: modules that are written for this. */

const imports = `
  (import "edgefold" "emit" (func $emit (param i32 i32)))
  (import "edgefold" "fail" (func $fail (param i32 i32)))
  (import "edgefold" "log" (func $log (param i32 i32)))`;

type Parts = { readonly imports?: string; readonly memory?: string; readonly input?: string; readonly more?: string };

/** A mapper. @param map what it does with a batch, of which it has the locals 0 and 1, address and length */
const mapper = (map: string, parts: Parts = {}) =>
  newProgram(
    "mapper",
    "wasm",
    assemble(`(module
      ${parts.imports ?? imports}
      ${parts.memory ?? '(memory (export "memory") 2)'}
      (data (i32.const 16) "no column 7")
      (func (export "edgefold_abi") (result i32) (i32.const 1))
      (func (export "input") (param i32) (result i32) ${parts.input ?? ""} (i32.const 1024))
      (func (export "map") (param i32 i32) ${map})
      ${parts.more ?? ""})`),
  );

/** Hands over an empty record, which lies at 0. */
const emitsOne = "(call $emit (i32.const 0) (i32.const 2))";

/** Lets a table grow until it cannot. */
const fill = (table: string, item: string): string =>
  `(loop $more (br_if $more (i32.ge_s (table.grow $${table} (ref.null ${item}) (i32.const 1000)) (i32.const 0))))`;

/** Makes a call, and goes on whatever is thrown. */
const caught = (call: string): string => `(try (do ${call}) (catch_all (nop)))`;

/** @returns the output, or the error */
const run = async (program: ReturnType<typeof mapper>): Promise<string> => {
  try {
    return (await mapOnly(program, "a\nb\n")).toString();
  } catch (error) {
    return String(error);
  }
};

describe("a module", () => {
  const wasm32 = "compile it for wasm32";
  test.each<[string, Parts, string]>([
    [
      "with two memories",
      { memory: '(memory (export "memory") 1) (memory 1)' },
      "has 2 memories; a program can only have one",
    ],
    ["with a shared memory", { memory: '(memory (export "memory") 1 2 shared)' }, `${wasm32}, without threads`],
    ["with 64-bit addresses", { memory: '(memory (export "memory") i64 1)', more: "" }, wasm32],
    ["with 64-bit indices", { more: "(table i64 1 funcref)" }, wasm32],
    ["with a table of exceptions", { more: "(table 1 exnref)" }, "has a table that is not one of functions"],
    ["with arrays", { more: "(type $a (array (mut i64))) (func (param (ref null $a)))" }, "defines objects"],
    ["with structures", { more: "(rec (type $a (struct (field i32)))) (func (param (ref $a)))" }, "defines objects"],
    ["with exceptions", { more: "(tag $t (param i64))" }, "defines exceptions, whose memory cannot be limited"],
    ["with a large table", { more: "(table 10000000 funcref)" }, "has tables of 10000000 entries, 262144 is the most"],
    ["with large tables", { more: "(table 200000 funcref) ".repeat(50) }, "has tables of 10000000 entries"],
    ["with a large memory", { memory: '(memory (export "memory") 257)' }, "raise the job's wasmMemory"],
    ["of another's memory", { imports: '(import "env" "memory" (memory 1))', memory: "" }, "imports env.memory, which"],
    ["of another's table", { imports: '(import "env" "abort" (table 1 funcref))' }, "imports env.abort, which"],
    ["of another's global", { imports: '(import "edgefold" "emit" (global i32))' }, "imports edgefold.emit, which"],
    ["of another's exception", { imports: '(import "edgefold" "log" (tag))' }, "imports edgefold.log, which"],
    ["of what objects have", { imports: '(import "constructor" "call" (func))' }, "imports constructor.call, which"],
    ["of their prototype", { imports: '(import "__proto__" "x" (func))' }, "imports __proto__.x, which"],
  ])("%s is refused", async (_, parts, message) => {
    const program = mapper("", parts);
    await expect(mapOnly(program, "a\n")).rejects.toMatchObject({
      name: "ProgramError",
      isFinal: true,
      message: expect.stringContaining(message),
    });
  });

  test("can call only functions of WASI, by whatever names", async () => {
    const names = ["constructor", "__proto__", "toString", "hasOwnProperty", "__defineGetter__"];
    const program = assemble(`(module
      ${names.map((name, index) => `(import "wasi_snapshot_preview1" "${name}" (func $f${index} (result i32)))`).join("\n")}
      (memory (export "memory") 1)
      (func (export "_start")
        ${names.map((_, index) => `(if (i32.ne (call $f${index}) (i32.const 52)) (then (unreachable)))`).join("\n")}))`);
    expect(await run(newProgram("mapper", "command", program))).toBe("");
  });

  test("that grows its memory at any time is a program like any other", async () => {
    const grow = "(drop (memory.grow (i32.const 1)))";
    const loop = `(local $left i32) (local.set $left (i32.const 20000))
      (loop $again
        (drop (memory.grow (i32.const 0)))
        ${emitsOne}
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))`;
    const last = `${grow} (call $emit (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 2)) (i32.const 2))`;
    expect(await run(mapper(`${loop} ${last}`, { input: grow }))).toBe("\n".repeat(20_001));
  });

  test("whose tables grow without end has a limit for all of them", async () => {
    const size = "(i32.add (table.size $f) (table.size $e))";
    const program = mapper(
      `${fill("f", "func")} ${fill("e", "extern")}
      (if (i32.gt_u ${size} (i32.const 262144)) (then (unreachable)))
      (if (i32.lt_u ${size} (i32.const 260000)) (then (unreachable)))
      ${emitsOne}`,
      { more: "(table $f 1 funcref) (table $e 2 20000000 externref)" },
    );
    expect(await run(program)).toBe("\n");
  });

  test("that catches what an import throws fails all the same", async () => {
    const fails = caught("(call $fail (i32.const 16) (i32.const 11))");
    expect(await run(mapper(fails))).toMatch(/^ProgramError: .*: no column 7/);
    expect(await run(mapper(`${fails} ${emitsOne} (unreachable)`))).toMatch(/: no column 7/);
    expect(await run(mapper(`${fails} (loop $again ${caught(emitsOne)} (br 1))`))).toMatch(/: no column 7/);
    expect(await run(mapper(caught("(call $emit (i32.const 16) (i32.const 3))")))).toMatch(/no sequence of whole/);
    const command = assemble(`(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        ${caught("(drop (call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 0)))")}
        ${caught("(call $exit (i32.const 0))")}))`);
    expect(await run(newProgram("mapper", "command", command))).toMatch(/8 bytes at 4294967288, which are not in its/);
  });

  test("that emits while it is asked for room, or for its version, fails", async () => {
    expect(await run(mapper("", { input: emitsOne }))).toMatch(/emit was called where map is not at work/);
    const early = mapper("", { more: `(func (export "_initialize") ${emitsOne})` });
    expect(await run(early)).toMatch(/while it was started: emit was called where map is not at work/);
  });

  test.each([
    ["traps", "(unreachable)", /while it was started: unreachable/],
    ["never comes back from itself", "(call $begin)", /while it was started: Maximum call stack size exceeded/],
    ["calls Edgefold", "(call $log (i32.const 0) (i32.const 1))", /Export that function as `_initialize`/],
  ])("whose start function %s fails", async (_, body, message) => {
    expect(await run(mapper("", { more: `(func $begin ${body}) (start $begin)` }))).toMatch(message);
  });

  test.each<[string, string, Parts, RegExp]>([
    ["input returns no address of its memory", "", { input: "(return (i32.const -1))" }, /returned no place in its/],
    [
      "memory is something else",
      "",
      { memory: '(memory 1) (global (export "memory") i32 (i32.const 1))' },
      /does not export memory/,
    ],
    [
      "imports have other types",
      "(drop (call $other (i64.const -1) (ref.null extern) (f64.const 1e300)))",
      { imports: '(import "edgefold" "emit" (func $other (param i64 externref f64) (result i64)))' },
      /no sequence of whole|which are not in its memory/,
    ],
    [
      "imports return several values",
      `(call $other (i32.const 0) (i32.const 2)) (drop) (drop)`,
      { imports: '(import "edgefold" "emit" (func $other (param i32 i32) (result i32 i32)))' },
      /is not iterable/,
    ],
  ])("whose %s fails", async (_, map, parts, message) => {
    expect(await run(mapper(map, parts))).toMatch(/^ProgramError: /);
    expect(await run(mapper(map, parts))).toMatch(message);
  });

  test("whose optional functions are something else is a program without them", async () => {
    const more = '(global $g i32 (i32.const 1)) (export "_initialize" (global $g)) (export "map_end" (global $g))';
    expect(await run(mapper(emitsOne, { more }))).toBe("\n");
    const command = assemble('(module (memory (export "memory") 1) (global (export "_start") i32 (i32.const 1)))');
    expect(await run(newProgram("mapper", "command", command))).toMatch(/exports a _start that is not a function/);
  });
});

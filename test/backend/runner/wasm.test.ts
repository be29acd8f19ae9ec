import { describe, expect, test } from "vitest";
import { aggregates } from "../../../shared/builtin-programs.ts";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import type { ArtifactProgram } from "../../../backend/runner/programs/program.ts";
import { compileExample, compileScript } from "../../helpers/assemblyscript.ts";
import {
  inputPath,
  MemorySink,
  mapOnly,
  newContext,
  newProgram,
  recordsIn,
  runMap,
  runReduce,
  shell,
} from "./harness.ts";
import { command, wasiDeclarations } from "./wasi-command.ts";

const abi = 'export { edgefold_abi, input } from "edgefold";\n';

const program = async (role: ArtifactProgram["role"], source: string): Promise<ArtifactProgram> =>
  newProgram(role, "wasm", await compileScript(source));

/** What comes of a mapper: its output, or an error. */
const outcomeOf = async (source: string): Promise<unknown> =>
  await mapOnly(await program("mapper", source), "a\n").catch((error: unknown) => String(error));

/** A mapper that takes batches, and calls functions of WASI. */
const withWasi = async (body: string): Promise<ArtifactProgram> =>
  await program(
    "mapper",
    `${abi}import { emit, flush } from "edgefold";
    ${wasiDeclarations}
    export function map(address: usize, length: u32): void { ${body} }`,
  );

describe("a program in WebAssembly", () => {
  test("has arguments, environment and input path, counts, and says what it does", async () => {
    const mapper = await program(
      "mapper",
      `${abi}import { counter, emit, environment, flush, inputPath, log, programArguments, status } from "edgefold";
      export function map(address: usize, length: u32): void {
        const all = programArguments().concat(environment()).concat([inputPath()]).join("|");
        const bytes = String.UTF8.encode(all);
        emit(changetype<usize>(bytes), bytes.byteLength, 0, 0);
        counter("group", "näme", length); counter("group", "down", -3);
        status("at work"); log("said");
        flush();
      }`,
    );
    let logged = "";
    const context = newContext({ log: (bytes) => void (logged += Buffer.from(bytes).toString()) });
    const found = await mapOnly({ ...mapper, args: ["first", "zweites ü", ""] }, "abc\n", context);
    const variables = Object.entries(context.environment).map(([name, value]) => `${name}=${value}`);
    expect(found.toString()).toBe(`${["first", "zweites ü", "", ...variables, inputPath].join("|")}\n`);
    expect(context.counters.snapshot().user).toEqual({ group: { näme: 4, down: -3 } });
    expect([context.statuses, logged]).toEqual([["at work"], "said\n"]);
  });

  test("has what the standard library of a language needs of WASI", async () => {
    const mapper = await withWasi(`
      const vector = heap.alloc(64);
      store<u32>(vector, <u32>address); store<u32>(vector, length, 4);
      let found = fd_write(1, vector, 1, vector + 8).toString() + fd_write(2, vector, 1, vector + 8).toString();
      found += " " + fd_read(0, vector, 1, vector + 8).toString() + load<u32>(vector, 8).toString();
      args_sizes_get(vector, vector + 4);
      found += " " + load<u32>(vector).toString();
      environ_sizes_get(vector, vector + 4);
      found += " " + load<u32>(vector).toString();
      clock_time_get(0, 0, vector); random_get(vector + 8, 8);
      found += " " + (load<u64>(vector) > 0 && load<u64>(vector, 8) > 0).toString();
      found += " " + poll_oneoff(vector, vector, 1, vector).toString() + " " + sock_accept(0, 0, vector).toString();
      const bytes = String.UTF8.encode(found);
      emit(changetype<usize>(bytes), bytes.byteLength, 0, 0);
      flush();`);
    let logged = "";
    const context = newContext({ log: (bytes) => void (logged += Buffer.from(bytes).toString()) });
    const variables = Object.keys(context.environment).length;
    const found = (await mapOnly({ ...mapper, args: ["a", "b"] }, "said\n", context)).toString();
    expect([found, logged]).toEqual([`00 00 3 ${variables} true 52 52\n`, "said\nsaid\n"]);
    await expect(mapOnly(await withWasi("proc_exit(3);"), "a\n")).rejects.toThrow(
      /^mapper program failed in record.*: exited with code 3/,
    );
  });

  test("keeps its state between batches, and each attempt has its own", async () => {
    const mapper = await program(
      "mapper",
      `${abi}import { emitNumber, flush } from "edgefold";
      let batches: i64 = 0;
      export function map(address: usize, length: u32): void { batches++; }
      export function map_end(): void { emitNumber(0, 0, batches); flush(); }`,
    );
    const text = "a line\n".repeat(100_000);
    for (const _ of [1, 2]) expect((await mapOnly(mapper, text)).toString()).toBe("\t3\n");
    expect((await mapOnly(mapper, "")).toString()).toBe("\t0\n");
  });

  test("what an executable would read as something else is refused", async () => {
    const mapper = newProgram("mapper", "wasm", await compileExample("sort"));
    const reducer = shell("reducer", "cat");
    await expect(runMap(mapper, "a\tb\n", 1, newContext(), undefined, reducer)).rejects.toThrow(
      /the key "a\\tb" has a tab/,
    );
    const long = `${"x".repeat(100_000)}\ty\n`;
    await expect(runMap(mapper, long, 1, newContext(), undefined, reducer)).rejects.toThrow(/has a tab/);
    await expect(
      runMap(mapper, "a\n", 1, newContext(), undefined, { role: "reducer", name: aggregates[0], type: "builtin" }),
    ).rejects.toThrow(/cannot be aggregated: the key "a" has the value ""/);
  });
});

/** What only a program does that means harm. It reads, at best, its own memory. */
const hostile: Record<string, [body: string, message: RegExp]> = {
  "a trap": ["unreachable();", /: unreachable\n {4}at function \d+ \(program:0x[0-9a-f]+\)$/],
  "an address out of its memory": ["load<u8>(0x7fffff00);", /memory access out of bounds/],
  "deep recursion": ["deep(1);", /Maximum call stack size exceeded/],
  "a failure": ['fail("no column 7");', /: no column 7/],
  "an abort": ['throw new Error("gone");', /aborted: gone in program\.ts\(\d+:\d+\)/],
  "emitted bytes out of its memory": [
    "hostEmit(0x7fffff00, 100);",
    /handed over 100 bytes at 2147483392, which are not in its memory/,
  ],
  "emitted bytes that wrap around": ["hostEmit(0xffffff00, 0xffffff00);", /which are not in its memory/],
  "no whole record": ["store<u32>(0, 0x61626305); hostEmit(0, 4);", /no sequence of whole packed records/],
  "a length beyond all": ["store<u64>(0, 0xffffffffffffffff); hostEmit(0, 8);", /no sequence of whole packed records/],
  "a length in too many bytes": [
    "store<u32>(0, 0x00008061); store<u8>(0, 0x81); hostEmit(0, 4);",
    /no sequence of whole/,
  ],
  "a long record that lies": [
    "const at = memory.grow(4) << 16; store<u32>(at, 0x7f8080); hostEmit(at, 200000);",
    /no sequence of whole packed records/,
  ],
  "a record beyond the limit": [
    "const at = memory.grow(64) << 16; store<u32>(at, 0x3d84c0); hostEmit(at, 1000004);",
    /an emitted record has 1000000 bytes, more than RECORD_LIMIT/,
  ],
  "output without end": [
    "memory.fill(0, 1, 0x8000); for (;;) hostEmit(0, 0x8000);",
    /more than TASK_OUTPUT_LIMIT, 1000000 bytes, were emitted/,
  ],
  "counters without end": ['for (let i = 0; i < 10000; i++) counter("g" + i.toString(), "n");', /counters/],
  "a counter out of bounds": ['counter("g", "n", i64.MAX_VALUE);', /the amount must be an integer/],
  "a text out of its memory": ["hostStatus(0, 0xffffffff);", /which are not in its memory/],
  "too little room for its environment": [
    "if (hostEnvironment(0, 0) == 0) unreachable(); hostEnvironment(0xfffffff0, 100);",
    /which are not in its memory/,
  ],
  "memory without end": [
    "while (memory.grow(16) >= 0) {} fail('full at ' + memory.size().toString());",
    /full at 2[45]\d\b/,
  ],
};

describe("a hostile program in WebAssembly", () => {
  const imports = ["emit", "status"].map(
    (name) => `// @ts-ignore
      @external("edgefold", "${name}") declare function host${name === "emit" ? "Emit" : "Status"}(address: usize, length: u32): void;`,
  );
  const source = `${abi}import { counter, fail } from "edgefold";
    ${imports.join("\n")}
    // @ts-ignore
    @external("edgefold", "environment") declare function hostEnvironment(address: usize, room: u32): u32;
    let depth: i32 = 0;
    function deep(at: i32): i32 { depth++; return deep(at + depth) + deep(at) + 1; }`;
  test.each(Object.entries(hostile))("with %s fails, and nothing else does", async (_, [body, message]) => {
    const mapper = await program(
      "mapper",
      `${source}\nexport function map(address: usize, length: u32): void { ${body} }`,
    );
    const context = newContext({ recordLimit: 900_000, outputLimit: 1_000_000 });
    const failure = await mapOnly(mapper, "a\nb\n", context).then(() => "nothing", String);
    expect(failure).toMatch(/^ProgramError: mapper program failed in records 1 to 2 of its input from/);
    expect(failure).toMatch(message);
  });

  test("finds nothing of the runner in its memory", async () => {
    const canary = "a canary of the runner";
    process.env["EDGEFOLD_TEST_CANARY"] = canary;
    const held = Buffer.from(canary);
    const mapper = await program(
      "mapper",
      `${abi}import { emit, flush } from "edgefold";
      export function map(address: usize, length: u32): void {
        memory.grow(64);
        for (let at: usize = 0; at < <usize>memory.size() << 16; at += 4096) emit(at, 4096, 0, 0);
        flush();
      }`,
    );
    const found = await mapOnly(mapper, "its own input\n");
    expect(found.includes("its own input")).toBe(true);
    expect(found.includes(held)).toBe(false);
    delete process.env["EDGEFOLD_TEST_CANARY"];
  });

  test("of 50 MB is a program like any other", async () => {
    const compiled = await compileExample("sort");
    // A custom section, whose length is a varint of four bytes.
    const custom = Buffer.alloc(50_000_000);
    const length = custom.length - 5;
    custom.set([0, 0x80 | (length & 127), 0x80 | ((length >> 7) & 127), 0x80 | ((length >> 14) & 127), length >> 21]);
    const mapper = newProgram("mapper", "wasm", Buffer.concat([compiled, custom]));
    expect((await mapOnly(mapper, "b\na\n")).toString()).toBe("b\na\n");
  });

  test("that emits when nobody has asked it to fails", async () => {
    const early = await program("mapper", `${source}\nexport function map(a: usize, l: u32): void {}\nhostEmit(0, 0);`);
    await expect(mapOnly(early, "a\n")).rejects.toThrow(
      "failed while it was started: emit was called where map is not at work",
    );
    const logging = `${abi}import { log } from "edgefold";\nexport function map(): void {}\nlog("started");`;
    await expect(mapOnly(await program("mapper", logging), "a\n")).rejects.toThrow(
      "Export that function as `_initialize`",
    );
    let logged = "";
    const context = newContext({ log: (bytes) => void (logged += Buffer.from(bytes).toString()) });
    const initialized = await compileScript(logging, ["--exportStart", "_initialize"]);
    expect((await mapOnly(newProgram("mapper", "wasm", initialized), "a\n", context)).toString()).toBe("");
    expect(logged).toBe("started\n");
  });

  test("that is no program is refused by what it lacks", async () => {
    expect(await outcomeOf("export function map(): void {}")).toMatch(/does not export edgefold_abi, input/);
    expect(await outcomeOf(`${abi}export function reduce(): void {}`)).toMatch(/does not export a function `map`/);
    expect(
      await outcomeOf(
        'export { input } from "edgefold"; export function map(): void {} export function edgefold_abi(): i32 { return 2; }',
      ),
    ).toMatch(/is for version 2 of Edgefold's interface/);
    const foreign =
      "// @ts-ignore\n@external('wasi_unstable', 'fd_write') declare function write(): void;\nexport function map(): void { write(); }";
    expect(await outcomeOf(abi + foreign)).toMatch(/imports wasi_unstable.fd_write, which Edgefold does not offer/);
    for (const bytes of [
      Buffer.from("no wasm"),
      Buffer.from("0061736d0d000100", "hex"),
      Buffer.from("0061736d0100000001", "hex"),
    ]) {
      await expect(mapOnly(newProgram("mapper", "wasm", bytes), "a\n")).rejects.toMatchObject({
        name: "ProgramError",
        isFinal: true,
      });
    }
    const large = await compileScript(`${abi}export function map(): void {}`, ["--initialMemory", "1000"]);
    await expect(mapOnly(newProgram("mapper", "wasm", large), "a\n")).rejects.toThrow(
      "needs 1000 pages of 64 KiB to begin with",
    );
  });
});

describe("a WASI command", () => {
  test("is given standard streams, arguments, environment, a clock and random numbers", async () => {
    const mapper = await command(`
      args_sizes_get(buffer, buffer + 4);
      const room = load<u32>(buffer, 4);
      args_get(buffer + 8, buffer + 100);
      write(1, buffer + 100, room);
      environ_sizes_get(buffer, buffer + 4);
      const size = load<u32>(buffer, 4);
      environ_get(buffer + 8, buffer + 200);
      write(1, buffer + 200, size);
      print(1, "\\n");
      clock_time_get(0, 0, buffer);
      const now = load<u64>(buffer);
      random_get(buffer, 8);
      print(1, (now % 1000000).toString() + " " + (load<u64>(buffer) != 0).toString() + "\\n");
      store<u8>(buffer, 0x78);
      print(1, path_open(3, 0, buffer, 1, 0, 0, 0, 0, buffer).toString() + " " + sock_accept(0, 0, buffer).toString() + "\\n");
      print(2, "reporter:counter:g,n,2\\nreporter:status:at work\\nsaid\\n");
      cat();`);
    let logged = "";
    const context = newContext({ log: (bytes) => void (logged += Buffer.from(bytes).toString()) });
    const text = `${"a line\n".repeat(50_000)}no newline`;
    const output = (await mapOnly({ ...mapper, args: ["first", "ü"] }, text, context)).toString();
    const variables = Object.entries(context.environment).map(([name, value]) => `${name}=${value}\0`);
    const head = `program\0first\0ü\0${variables.join("")}\n0 true\n44 52\n`;
    expect([output.slice(0, head.length), output.length]).toEqual([head, head.length + text.length + 1]);
    expect(output.endsWith("a line\nno newline\n")).toBe(true);
    expect(context.counters.snapshot()).toMatchObject({
      user: { g: { n: 2 } },
      builtin: { mapInputRecords: 50_001, mapOutputRecords: 50_004 },
    });
    expect([context.statuses, logged]).toEqual([["at work"], "said\n"]);
  });

  test("reduces and combines as an executable would", async () => {
    const cat = await command("cat();");
    const text = "b\t2\na\nb\t1\n";
    const output = await runMap(cat, text, 1, newContext(), { ...cat, role: "combiner" }, { ...cat, role: "reducer" });
    expect((await runReduce({ ...cat, role: "reducer" }, [output], 0, newContext())).toString()).toBe(
      "a\t\nb\t2\nb\t1\n",
    );
  });

  test("writes from several buffers, also empty ones, as C libraries do", async () => {
    const mapper = await command(`
      store<u16>(buffer, 0x0a61);
      for (let line = 0; line < 3; line++) {
        store<u64>(vector, 0); store<u32>(vector, <u32>buffer, 8); store<u32>(vector, 2, 12);
        if (fd_write(1, vector, 2, buffer + 8) != 0 || load<u32>(buffer, 8) != 2) unreachable();
      }`);
    expect((await mapOnly(mapper, "")).toString()).toBe("a\na\na\n");
    expect(recordsIn(await runMap(mapper, "", 1, newContext()))).toBe(3);
  });

  test("may stop reading, and wait", async () => {
    const first = await command('print(1, "done\\n"); proc_exit(0); unreachable();');
    expect((await mapOnly(first, "x\n".repeat(200_000))).toString()).toBe("done\n");
    // Sleeps for 30 ms: a subscription to a clock.
    const waiting = await command(`
      memory.fill(buffer, 0, 48); store<u32>(buffer, 1, 16); store<u64>(buffer, 30000000, 24);
      clock_time_get(1, 0, buffer + 200); const before = load<u64>(buffer, 200);
      poll_oneoff(buffer, buffer + 48, 1, buffer + 100);
      clock_time_get(1, 0, buffer + 200);
      print(1, load<u32>(buffer, 100).toString() + (load<u64>(buffer, 200) - before >= 29000000).toString() + "\\n");`);
    expect((await mapOnly(waiting, "")).toString()).toBe("1true\n");
  });

  test.each<[string, string, RegExp]>([
    [
      "an exit code",
      'print(2, "no column 7\\n"); proc_exit(3);',
      /^ProgramError: mapper program exited with code 3: no column 7$/,
    ],
    [
      "a trap",
      "cat(); unreachable();",
      /^ProgramError: mapper program failed: unreachable\n {4}at function \d+ \(program:0x/,
    ],
    [
      "deep recursion",
      "let depth: i32 = 0;\nfunction deep(at: i32): i32 { depth++; return deep(at + depth) + deep(at) + 1; }\ndeep(read());",
      /call stack size exceeded/,
    ],
    ["a vector out of its memory", "fd_write(1, 0xfffffff0, 1, 0);", /which are not in its memory/],
    [
      "a buffer out of its memory",
      "store<u32>(vector, 0xffffff00); store<u32>(vector, 0x1000, 4); fd_read(0, vector, 1, 0);",
      /which are not in its memory/,
    ],
    [
      "vectors without end",
      "for (let i = 0; i < 8000; i++) store<u64>(buffer + i * 8, 0x1000000000000000); fd_write(1, buffer, 0x7fffffff, 0);",
      /which are not in its memory/,
    ],
    ["output without end", "for (;;) write(1, buffer, 1000);", /writes more than TASK_OUTPUT_LIMIT, 100000 bytes/],
    [
      "counters without end",
      'for (let i = 0; ; i++) print(2, "reporter:counter:g" + i.toString() + ",n,1\\n");',
      /counters/,
    ],
  ])("with %s fails, and nothing else does", async (_, body, message) => {
    const failure = await mapOnly(await command(body), "a\nb\n", newContext({ outputLimit: 100_000 })).then(
      () => "nothing",
      String,
    );
    expect(failure).toMatch(message);
  });

  test("ends when its attempt does, whether it waits or not", async () => {
    const abort = new AbortController();
    const reason = new Error("the attempt is over");
    async function* silent() {
      yield { bytes: Buffer.from("a\n"), path: inputPath };
      abort.abort(reason);
      await new Promise(() => undefined);
    }
    const context = newContext({ signal: abort.signal });
    const cat = await command("cat();");
    await expect(mapToText({ mapper: cat, input: silent(), context, sink: new MemorySink() })).rejects.toBe(reason);
  });

  test("that imports something else is refused", async () => {
    const foreign = await compileScript(
      "// @ts-ignore\n@external('edgefold', 'emit') declare function emit(a: usize, b: u32): void;\nemit(0, 0);",
      ["--exportStart", "_start"],
    );
    await expect(mapOnly(newProgram("mapper", "command", foreign), "a\n")).rejects.toThrow(
      "imports edgefold.emit, which Edgefold does not offer: such a program can only import functions of wasi_snapshot_preview1",
    );
  });
});

import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Progress } from "../../../backend/runner/progress.ts";
import { countedStore } from "../../../backend/runner/tasks/counted-store.ts";
import type { Report } from "../../../backend/runner/tasks/task-run.ts";
import { FileStore } from "../../../backend/storage/file.ts";
import { compileScript } from "../../helpers/assemblyscript.ts";
import { TaskScene } from "./task-scene.ts";

const MiB = 1024 * 1024;

let scene: TaskScene | undefined;
afterEach(() => {
  scene?.remove();
  scene = undefined;
});

/** A mapper that counts, for each task, the id of its thread and the bytes on its heap. */
const mapper = (topLevel: string, perRecord = ""): string => `
  import { threadId } from "node:worker_threads";
  import { getHeapStatistics } from "node:v8";
  ${topLevel}
  export const map = (line, emit, context) => {
    ${perRecord}
    context.counter("thread", threadId);
    context.counter("bytes", "heap", getHeapStatistics().used_heap_size);
    emit(line);
  };`;

const counted = (report: Report, group: string): readonly [string, number] => {
  if (report.kind !== "complete") throw new Error(`the task ended with ${JSON.stringify(report)}`);
  const [first] = Object.entries(report.counters.user[group] ?? {});
  if (first === undefined) throw new Error(`no counter in ${group}`);
  return first;
};

const run = async (source: string, tasks: number): Promise<{ threads: string[]; heaps: number[] }> => {
  scene = new TaskScene({ type: "module", source });
  const reports: Report[] = [];
  for (let task = 0; task < tasks; task++) reports.push(await scene.map());
  return {
    threads: reports.map((report) => counted(report, "thread")[0]),
    heaps: reports.map((report) => counted(report, "bytes")[1]),
  };
};

describe("the thread of tasks", () => {
  it.each([
    ["a program in WebAssembly", "while (load<u8>(address) != 0) {}", ""],
    ["its start function", "", "while (load<u8>(0) == 0) {}"],
    ["what asks for memory again and again", "while (memory.grow(1) < 1000000) {}", ""],
  ])("is ended if %s does not return", async (_, body, topLevel) => {
    const source = `export { edgefold_abi, input } from "edgefold";
      export function map(address: usize, length: u32): void { ${body} }
      ${topLevel}`;
    scene = new TaskScene({ type: "wasm", source: await compileScript(source) });
    const abort = new AbortController();
    const running = scene.map(abort.signal);
    setTimeout(() => abort.abort(new Error("the attempt is over")), 300);
    expect(await running).toMatchObject({ kind: "release", reason: "the attempt is over" });
  });

  it.each([
    ["a quarter of the runner's", 128, undefined],
    ["as its job says", 3, 3 * MiB + 1],
  ])("gives a program in WebAssembly memory: %s", async (_, mebibytes, wasmMemory) => {
    const source = `export { edgefold_abi, input } from "edgefold";
      import { fail } from "edgefold";
      export function map(): void { while (memory.grow(1) >= 0) {} fail("full at " + memory.size().toString()); }`;
    scene = new TaskScene({ type: "wasm", source: await compileScript(source) }, {}, { wasmMemory });
    expect(await scene.map()).toMatchObject({
      kind: "fail",
      error: { code: "ProgramFailed", message: expect.stringContaining(`full at ${mebibytes * 16}`) },
    });
  });

  it("is replaced before the modules of its tasks fill its heap", async () => {
    const table = 'export const table = Array.from({ length: 500_000 }, (_, i) => "entry " + i);';
    const { threads, heaps } = await run(mapper(table), 8);
    expect(new Set(threads).size).toBeGreaterThan(1);
    expect(new Set(threads).size).toBeLessThan(8);
    expect(Math.max(...heaps)).toBeLessThan(128 * MiB);
  });

  it("is replaced before its tasks' memory outside the heap fills the memory", async () => {
    const { threads } = await run(mapper(`export const table = Buffer.alloc(${24 * MiB});`), 6);
    expect(new Set(threads).size).toBeGreaterThan(1);
  });

  it("survives any garbage that its tasks produce", async () => {
    const garbage = "const words = new Map(); for (let i = 0; i < 500_000; i++) words.set('word ' + i, [i]);";
    const { threads, heaps } = await run(mapper("", garbage), 3);
    expect(Math.min(...heaps)).toBeGreaterThan(40 * MiB);
    expect(new Set(threads).size).toBe(1);
  });

  it("can crash in its last task: the next one runs in its successor", async () => {
    const crash = 'if (context.environment.EDGEFOLD_PARTITION === "1") process.exit(7);';
    scene = new TaskScene({
      type: "module",
      source: mapper(`export const table = Buffer.alloc(${64 * MiB});`, crash),
    });
    const [first, last, next] = [await scene.map(), await scene.map(), await scene.map()];
    expect(last).toMatchObject({ kind: "fail", error: { code: "TaskCrashed" } });
    expect(counted(next, "thread")).not.toEqual(counted(first, "thread"));
  });

  it("can end because of anything that a module throws", async () => {
    const thrown = '"x".repeat(100_000)';
    scene = new TaskScene({
      type: "module",
      source: `setTimeout(() => { throw ${thrown}; }); export const map = () => new Promise(() => {});`,
    });
    const report = await scene.map();
    expect(report).toMatchObject({ kind: "fail", error: { code: "TaskCrashed" } });
    expect(JSON.stringify(report).length).toBeLessThan(20_000);
  });

  it("reports the last status and the last counters at the end, within their limits", async () => {
    const tell = 'context.status("a\\0b" + "x".repeat(1000)); context.counter("g", "n", 1);';
    scene = new TaskScene({ type: "module", source: `export const map = (line, emit, context) => { ${tell} };` });
    const completed = await scene.map();
    expect(completed).toMatchObject({
      kind: "complete",
      status: `a b${"x".repeat(509)}`,
      counters: { user: { g: { n: 1 } } },
    });
  });
});

describe("a plan", () => {
  it("ends with a timeout if the store does not answer", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    scene = new TaskScene({ type: "executable", source: "" });
    const report = await scene.plan(`http://127.0.0.1:${address.port}/bucket/in/`, 1);
    expect(report).toMatchObject({ kind: "fail", error: { code: "TaskTimeout", final: false } });
    silent.close();
  });

  it("makes progress with each listed object, and with each answer", async () => {
    const progress = new Progress();
    const store = countedStore(new FileStore([import.meta.dirname]), progress);
    const listed: number[] = [];
    for await (const _ of store.list({ scheme: "file", path: `${import.meta.dirname}/t` })) listed.push(progress.ticks);
    expect(listed.length).toBeGreaterThan(1);
    expect(listed).toEqual(listed.map((__, index) => index + 1));
    await store.head({ scheme: "file", path: import.meta.filename });
    expect(progress.ticks).toBe(listed.length + 1);
  });

  it.each([
    ["executable", "print(1)\n", true],
    ["executable", "#!/usr/bin/env nosuchlang\n", true],
    ["executable", "#!/bin/sh\nexit 3\n", false],
    ["module", "export const map = (", true],
    ["module", "export const reduce = () => {};", true],
    ["module", "import nothing from 'nothing'; export const map = () => {};", true],
    ["module", "throw new Error('the service is away'); export const map = () => {};", false],
  ] as const)("reports whether an %s can never run: %j", async (type, source, final) => {
    scene = new TaskScene({ type, source });
    expect(await scene.map()).toMatchObject({ kind: "fail", error: { code: "ProgramFailed", final } });
  });
});

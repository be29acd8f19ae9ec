import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { debugTask } from "../../../client/cli/debug/debug-task.ts";
import { serverOf } from "../../../client/cli/server/server.ts";
import { JobDetailSchema } from "../../../shared/api/jobs.ts";
import { TaskDetailSchema } from "../../../shared/api/tasks.ts";
import { examples } from "../../../worker/http/examples.ts";
import { compileScript } from "../../helpers/assemblyscript.ts";
import { assemble } from "../../helpers/wat.ts";
import { FakeServer, json } from "../sdk/fake-server.ts";

/** Tasks that are run again here, of programs in WebAssembly. */

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edgefold-debug-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const exampleOf = (schema: unknown): unknown => examples.find((example) => example.schema === schema)?.value;

/** Debugs a map whose mapper has failed. @returns the exit code, and what was said */
const debug = async (content: Buffer): Promise<{ code: number; said: string }> => {
  const input = join(folder, "in.txt");
  writeFileSync(input, "a\nb\n");
  const path = `file://${input}`;
  const program = { name: "count.wasm", type: "wasm", size: content.length, hash: "c0ffee" };
  const job = JobDetailSchema.parse(exampleOf(JobDetailSchema));
  const task = TaskDetailSchema.parse(exampleOf(TaskDetailSchema));
  const { client } = new FakeServer(
    () =>
      json({
        ...job,
        request: { ...job.request, inputPath: path, wasmMemory: "2Mi" },
        programs: { mapper: program },
        files: [],
        archives: [],
      }),
    () =>
      json({
        ...task,
        id: `${job.id}-m-0`,
        type: "mapper",
        program,
        inputs: [{ path, splitStart: 0, splitEnd: 4 }],
      }),
    () => json(program),
    () => new Response(Uint8Array.from(content)),
  );
  let said = "";
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    said += Buffer.from(chunk).toString();
    return true;
  });
  try {
    const server = { ...serverOf("https://edgefold.example.com", undefined, false), client };
    const code = await debugTask(server, job.id, "m-0", join(folder, "debugged"));
    return { code, said };
  } finally {
    spy.mockRestore();
  }
};

it("a trap is shown with the functions that it came from, and what was logged before", async () => {
  const source = `export { edgefold_abi, input } from "edgefold"; import { log } from "edgefold";
    let depth: i32 = 0;
    function deep(at: i32): i32 { if (at == 7) unreachable(); depth++; return deep(at + 1) + depth; }
    export function map(): void { log("at work"); deep(0); }`;
  const { code, said } = await debug(await compileScript(source, ["--debug"]));
  expect(code).toBe(1);
  expect(said).toMatch(/^at work$/m);
  expect(said).toMatch(/m-0 has failed: .*unreachable\n {4}at program\/deep \(count\.wasm:0x[0-9a-f]+\)\n/);
  expect(said).toContain("--folder ANOTHER");
});

it("a program has the memory that its job says", async () => {
  const source = `export { edgefold_abi, input } from "edgefold"; import { fail } from "edgefold";
    export function map(): void { while (memory.grow(1) >= 0) {} fail("full at " + memory.size().toString()); }`;
  expect(await debug(await compileScript(source))).toMatchObject({
    code: 1,
    said: expect.stringMatching(/: full at 32\n/),
  });
});

/** A WASI command that writes two lines to standard error, and then ends in some way. */
const command = (end: string): Buffer =>
  assemble(`(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\10\\00\\00\\00\\0d\\00\\00\\00")
    (data (i32.const 16) "at work\\nsaid\\n")
    (func (export "_start") (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))) ${end}))`);

it("a WASI command is shown with what it has written, and then why it has failed", async () => {
  const exited = await debug(command("(call $exit (i32.const 3))"));
  expect(exited.code).toBe(1);
  expect(exited.said).toMatch(/\nat work\nsaid\n\nm-0 has failed: mapper count.wasm exited with code 3: at work\n\n/);
  rmSync(join(folder, "debugged"), { recursive: true });
  const trapped = await debug(command("(unreachable)"));
  expect(trapped.said).toMatch(
    /\nat work\nsaid\n\nm-0 has failed: .*unreachable\n {4}at function \d+ \(count\.wasm:0x[0-9a-f]+\)\n\n/,
  );
});

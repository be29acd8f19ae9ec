import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { ArtifactSchema } from "../../shared/api/artifacts.ts";
import { JobDetailSchema } from "../../shared/api/jobs.ts";
import { runnerFeatures } from "../../shared/protocol/versions.ts";
import { call, jsonOf, postJob, problemOf, upload } from "./api.ts";
import { JobFixture } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

/** Programs in WebAssembly, as far as the Worker knows them. */

const text = (characters: string): number[] => Array.from(characters, (character) => character.charCodeAt(0));
const name = (characters: string): number[] => [characters.length, ...text(characters)];
const varint = (value: number): number[] => (value < 128 ? [value] : [128 + (value % 128), ...varint(value >> 7)]);
const section = (id: number, ...items: number[][]): number[] => {
  const content = [...varint(items.length), ...items.flat()];
  return [id, ...varint(content.length), ...content];
};

/** A module whose functions have no code: nobody runs it. */
const moduleOf = ({
  imports = [],
  exports = ["edgefold_abi", "input", "map"],
}: {
  readonly imports?: readonly (readonly [string, string])[];
  readonly exports?: readonly string[];
}): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([
    ...text("\0asm\u0001\0\0\0"),
    ...section(1, [0x60, 0, 0]),
    ...section(2, ...imports.map(([module, field]) => [...name(module), ...name(field), 0, 0])),
    ...section(3, [0]),
    ...section(5, [0, 1]),
    ...section(7, [...name("memory"), 2, 0], ...exports.map((exported) => [...name(exported), 0, 0])),
  ]);

const whole = moduleOf({
  imports: [
    ["edgefold", "emit"],
    ["env", "abort"],
  ],
});

beforeAll(async () => {
  await upload("reducer", "#!reducer");
});
afterEach(hangUp);

describe("an upload in WebAssembly", () => {
  it("is known by its first bytes, whatever its name", async () => {
    for (const named of ["count.wasm", "count.mjs", "count"]) {
      expect(await jsonOf(ArtifactSchema, await upload(named, whole))).toMatchObject({ type: "wasm" });
    }
    const command = moduleOf({ imports: [["wasi_snapshot_preview1", "fd_write"]], exports: ["_start"] });
    expect(await jsonOf(ArtifactSchema, await upload("command", command))).toMatchObject({ type: "wasm" });
    const withLibrary = moduleOf({ imports: [["wasi_snapshot_preview1", "fd_write"]] });
    expect(await jsonOf(ArtifactSchema, await upload("library", withLibrary))).toMatchObject({ type: "wasm" });
    expect(await jsonOf(ArtifactSchema, await upload("data.wasm", moduleOf({ exports: [] }), "file"))).toMatchObject({
      type: "file",
    });
    expect((await call("GET", "/api/v1/artifacts?type=wasm")).status).toBe(200);
  });

  it.each<[string, Uint8Array<ArrayBuffer>, string | undefined, string]>([
    [
      "with foreign imports",
      moduleOf({
        imports: [
          ["edgefold", "emit"],
          ["env", "system"],
          ["wasi_unstable", "fd_write"],
        ],
      }),
      undefined,
      "imports env.system, wasi_unstable.fd_write, which Edgefold does not offer: such a program can only import edgefold.emit",
    ],
    [
      "with a thousand imports",
      moduleOf({ imports: Array.from({ length: 1000 }, (_, index) => ["env", `f${index}`] as const) }),
      undefined,
      "imports env.f0, env.f1, env.f2, env.f3, env.f4, env.f5, env.f6, env.f7, env.f8, env.f9 and 990 more, which",
    ],
    [
      "as a command with foreign imports",
      moduleOf({ imports: [["edgefold", "emit"]], exports: ["_start"] }),
      undefined,
      "such a program can only import functions of wasi_snapshot_preview1",
    ],
    ["without what every program exports", moduleOf({ exports: ["map"] }), undefined, "edgefold_abi, input"],
    ["without a role", moduleOf({ exports: ["edgefold_abi", "input"] }), undefined, "none of map, reduce, combine"],
    ["that is empty", whole.slice(0, 8), undefined, "does not export edgefold_abi, input, memory"],
    [
      "of another kind",
      Uint8Array.from(text("\0asm\r\0\u0001\0")),
      undefined,
      "a component must be built as a core module",
    ],
    [
      "that is broken",
      whole.map((byte, at) => (at === 16 ? 0x7f : byte)),
      "wasm",
      "has an import or export of an unknown kind",
    ],
    ["that is something else", Uint8Array.from(text("text")), "wasm", "is no WebAssembly module"],
    ["declared as an executable", whole, "executable", "upload it without a type"],
  ])("%s is refused with a fix", async (_, content, type, cure) => {
    const response = await upload("program", content, type);
    const { errors } = await problemOf(response);
    expect([response.status, errors]).toEqual([400, [{ field: "program", message: expect.stringContaining(cure) }]]);
  });

  it("of which the beginning tells too little is left to the runner", async () => {
    const names = Array.from({ length: 3000 }, (_, index) => `${"long".repeat(25)}${index}`);
    const exports = [7, 0x80, 0x80, 0x40, 0x80, 0x80, 0x01, ...names.flatMap((each) => [...name(each), 0, 0])];
    const large = Uint8Array.from([...whole.slice(0, 8), ...exports]);
    expect(large.length).toBeGreaterThan(256 * 1024);
    expect(await jsonOf(ArtifactSchema, await upload("large.wasm", large))).toMatchObject({ type: "wasm" });
  });
});

it("a job needs a runner that knows WebAssembly", async () => {
  await upload("count.wasm", whole);
  const response = await postJob({
    inputPath: "http://store/input/",
    outputPath: "http://store/out",
    mapperName: "count.wasm",
    reducerName: "reducer",
    wasmMemory: "1.5Gi",
  });
  const { id, programs } = await jsonOf(JobDetailSchema, response);
  expect(programs?.mapper).toMatchObject({ name: "count.wasm", type: "wasm" });
  const job = new JobFixture(id);
  const old = await job.dial();
  const features = runnerFeatures.filter((feature) => feature !== "wasm");
  void job.hello(old, "old", null, features);
  expect((await old.closed).reason).toBe("the job needs wasm, which the runner lacks");
  const welcome = await job.hello(await job.dial(), "new", null, [...runnerFeatures]);
  expect(welcome).toMatchObject({
    kind: "welcome",
    job: { programs: { mapper: { type: "wasm" } }, wasmMemory: 1.5 * 2 ** 30 },
  });
});

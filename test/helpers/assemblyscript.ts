import { main } from "assemblyscript/asc";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const root = join(import.meta.dirname, "../..");

/** Where programs of tests import the SDK from. */
const sdk = "client/wasm/assemblyscript/edgefold";

/**
 * Compiles a program in AssemblyScript.
 * @param source imports the SDK as `"edgefold"`
 * @throws Error with what the compiler says
 */
export const compileScript = async (source: string, options: readonly string[] = []): Promise<Buffer> => {
  let compiled = Buffer.alloc(0);
  let problems = "";
  const entry = "program.ts";
  const { error } = await main(
    [entry, "--outFile", "program.wasm", "--runtime", "stub", "-O3", "--noAssert", "--enable", "simd", ...options],
    {
      readFile: async (name) =>
        name === entry
          ? source.replaceAll('from "edgefold"', `from "./${sdk}"`)
          : await readFile(join(root, name), "utf8").catch(() => null),
      writeFile: (_name, contents) => {
        compiled = Buffer.from(contents);
      },
      stderr: { write: (text) => void (problems += text.toString()) },
    },
  );
  // The compiler keeps this process from anything else for seconds: let it notice which connections were closed meanwhile.
  await setTimeout(50);
  if (error !== null) throw new Error(`${problems}\n${error.message}`);
  return compiled;
};

/** Compiles a WASI command that writes what it reads. */
export const compileCat = async (): Promise<Buffer> => {
  const parameters = "file: i32, vectors: usize, count: i32, size: usize";
  const declared = ["fd_read", "fd_write"].map(
    (name) =>
      `// @ts-ignore\n@external("wasi_snapshot_preview1", "${name}") declare function ${name}(${parameters}): i32;\n`,
  );
  return await compileScript(
    `${declared.join("")}
    const vector = heap.alloc(16);
    const buffer = heap.alloc(65536);
    for (let length: u32 = 1; length > 0;) {
      store<u32>(vector, <u32>buffer); store<u32>(vector, 65536, 4);
      fd_read(0, vector, 1, vector + 8);
      length = load<u32>(vector, 8);
      for (let done: u32 = 0; done < length; done += load<u32>(vector, 8)) {
        store<u32>(vector, <u32>buffer + done); store<u32>(vector, length - done, 4);
        fd_write(1, vector, 1, vector + 8);
      }
    }`,
    ["--exportStart", "_start", "--use", "abort="],
  );
};

/** Compiles one of the examples. */
export const compileExample = async (name: string): Promise<Buffer> => {
  const source = await readFile(join(root, "examples/webassembly/assemblyscript", `${name}.ts`), "utf8");
  return await compileScript(source.replaceAll(`"../../../${sdk}"`, `"./${sdk}"`));
};

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

/** Compiles one of the examples. */
export const compileExample = async (name: string): Promise<Buffer> => {
  const source = await readFile(join(root, "examples/webassembly", `${name}.ts`), "utf8");
  return await compileScript(source.replaceAll(`"../../${sdk}"`, `"./${sdk}"`));
};

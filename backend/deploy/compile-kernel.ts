import { main } from "assemblyscript/asc";
import { fileURLToPath } from "node:url";

/** The compiled kernel. */
export const kernelFile = new URL("../kernel/kernel.wasm", import.meta.url);

/** Compiles the kernel. The result depends on nothing but the source and the versions of the compiler. @throws Error */
export const compileKernel = async (): Promise<Uint8Array> => {
  let compiled: Uint8Array | undefined;
  // A failed assertion is a trap, because there is no `abort`.
  const options =
    "--runtime stub --importMemory --enable simd --enable bulk-memory --use abort= --optimizeLevel 3 --shrinkLevel 0 --converge";
  const files = [
    "--baseDir",
    fileURLToPath(new URL("../kernel/assembly/", import.meta.url)),
    "--outFile",
    "kernel.wasm",
  ];
  const { error } = await main(["kernel.ts", ...files, ...options.split(" ")], {
    writeFile: (_name, contents) => {
      compiled = typeof contents === "string" ? Buffer.from(contents) : contents;
    },
  });
  if (error !== null || compiled === undefined)
    throw new Error(`the kernel cannot be compiled: ${error?.message}`, { cause: error });
  return compiled;
};

import type { WasmModule } from "./wasm-module.ts";

/** What a program in WebAssembly imports and exports; see docs/reference/wasm.md. The Worker and the runner check it alike. */

/** The version of the interface. */
export const wasmAbi = 1;

/** The functions that a program can import, by module. `env.abort` is AssemblyScript's. */
const wasmImports: Readonly<Record<string, readonly string[]>> = {
  edgefold: ["emit", "counter", "status", "log", "fail", "arguments", "environment", "input_path"],
  env: ["abort"],
};

/** What a program exports for each role. */
export const wasmRoles = { mapper: "map", reducer: "reduce", combiner: "combine" } as const;

/**
 * Why a module is no program.
 * @returns the rest of a sentence that begins with the module; undefined where nothing is wrong as far as its bytes say
 */
export const findWasmMisfit = ({ imports, exports }: WasmModule): string | undefined => {
  const foreign = imports.filter(
    ({ module, name, kind }) => kind !== "function" || wasmImports[module]?.includes(name) !== true,
  );
  if (foreign.length > 0) {
    const names = foreign.slice(0, 10).map(({ module, name }) => `${module}.${name}`);
    const more = foreign.length > names.length ? ` and ${foreign.length - names.length} more` : "";
    return `imports ${names.join(", ")}${more}, which Edgefold does not offer: a program can only import ${offered}`;
  }
  if (exports === undefined) return undefined;
  const has = (wanted: string, kind: string): boolean =>
    exports.some((found) => found.name === wanted && found.kind === kind);
  const missing = [
    ...["edgefold_abi", "input"].filter((name) => !has(name, "function")),
    ...(has("memory", "memory") ? [] : ["memory"]),
  ];
  if (missing.length > 0)
    return `does not export ${missing.join(", ")}, which every WebAssembly program of Edgefold does`;
  const roles = Object.values(wasmRoles);
  return roles.some((name) => has(name, "function")) ? undefined : `exports none of ${roles.join(", ")}`;
};

const offered = Object.entries(wasmImports)
  .flatMap(([module, names]) => names.map((name) => `${module}.${name}`))
  .join(", ");

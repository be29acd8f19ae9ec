import type { WasmModule } from "./wasm-module.ts";

/** What a program in WebAssembly imports and exports; see docs/reference/wasm.md. The Worker and the runner check it alike. */

/** The version of the interface. */
export const wasmAbi = 1;

/** All programs can import this module, with whatever functions: those that are not offered say so when they are called. */
export const wasiModule = "wasi_snapshot_preview1";

/** The functions that programs other than commands can import besides, by module. `env.abort` is AssemblyScript's. */
const wasmImports: ReadonlyMap<string, readonly string[]> = new Map([
  ["edgefold", ["emit", "counter", "status", "log", "fail", "arguments", "environment", "input_path"]],
  ["env", ["abort"]],
]);

/** What a program exports for each role. */
export const wasmRoles = { mapper: "map", reducer: "reduce", combiner: "combine" } as const;

/** Whether a module is a WASI command, which reads standard input and writes standard output. */
export const isCommand = ({ exports = [] }: Pick<WasmModule, "exports">): boolean =>
  exports.some(({ name }) => name === "_start") && !exports.some(({ name }) => name === "edgefold_abi");

/**
 * Why a module is no program.
 * @returns the rest of a sentence that begins with the module; undefined where nothing is wrong as far as its bytes say
 */
export const findWasmMisfit = (found: WasmModule): string | undefined => {
  const { imports, exports } = found;
  const isOfWasi = isCommand(found);
  /** Whether a program can import it. As long as it is not known what it exports, it may be either kind. */
  const isOffered = (module: string, name: string): boolean =>
    module === wasiModule || ((!isOfWasi || exports === undefined) && wasmImports.get(module)?.includes(name) === true);
  const foreign = imports.filter(({ module, name, kind }) => kind !== "function" || !isOffered(module, name));
  if (foreign.length > 0) {
    const names = foreign.slice(0, 10).map(({ module, name }) => `${module}.${name}`);
    const more = foreign.length > names.length ? ` and ${foreign.length - names.length} more` : "";
    const all = `${isOfWasi ? "" : `${offered}, and `}functions of ${wasiModule}`;
    return `imports ${names.join(", ")}${more}, which Edgefold does not offer: such a program can only import ${all}`;
  }
  const unlimited = findUnlimited(found);
  if (unlimited !== undefined || exports === undefined) return unlimited;
  const has = (wanted: string, kind: string): boolean =>
    exports.some((each) => each.name === wanted && each.kind === kind);
  if (isOfWasi) {
    if (!has("_start", "function")) return "exports a _start that is not a function";
    return has("memory", "memory") ? undefined : "does not export memory, which every WASI command does";
  }
  const missing = [
    ...["edgefold_abi", "input"].filter((name) => !has(name, "function")),
    ...(has("memory", "memory") ? [] : ["memory"]),
  ];
  if (missing.length > 0)
    return `does not export ${missing.join(", ")}, which every WebAssembly program of Edgefold does`;
  const roles = Object.values(wasmRoles);
  return roles.some((name) => has(name, "function")) ? undefined : `exports none of ${roles.join(", ")}`;
};

/** Types of a table's entries: functions, and values of the host. */
const tableEntries: readonly (number | undefined)[] = [0x70, 0x6f];

/** What a module has that takes memory which cannot be limited, or memory of another kind than programs have. */
const findUnlimited = ({ tables, memories, hasObjects, hasExceptions }: WasmModule): string | undefined => {
  if (hasObjects)
    return "defines objects that are collected, whose memory cannot be limited: keep all data in its memory";
  if (hasExceptions) return "defines exceptions, whose memory cannot be limited: compile it without them";
  const limits = memories?.limits ?? [];
  if (limits.length > 1) return `has ${limits.length} memories; a program can only have one`;
  // The lowest flag says that there is a maximum.
  if (limits.some(({ flags }) => flags > 1)) {
    return "has a memory that is shared or has addresses of 64 bits: compile it for wasm32, without threads";
  }
  return (tables?.limits ?? []).some(({ entry, flags }) => flags > 1 || !tableEntries.includes(entry))
    ? "has a table that is not one of functions, or has indices of 64 bits: compile it for wasm32"
    : undefined;
};

const offered = Array.from(wasmImports)
  .flatMap(([module, names]) => names.map((name) => `${module}.${name}`))
  .join(", ");

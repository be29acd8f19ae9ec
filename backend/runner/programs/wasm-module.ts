import { readFile } from "node:fs/promises";
import { z } from "zod";
import { findWasmMisfit } from "../../../shared/wasm-contract.ts";
import { limitModule } from "../../../shared/wasm-limits.ts";
import { readWasm, type WasmModule } from "../../../shared/wasm-module.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { type ArtifactProgram, ProgramError } from "./program.ts";

/** Bytes of a page of WebAssembly's memory. */
const pageBytes = 64 * 1024;

export const CallSchema = z.custom<(...parameters: number[]) => unknown>((value) => typeof value === "function");

export const MemorySchema = z.object({ memory: z.instanceof(WebAssembly.Memory) });

/** What a WASI command exports. */
export const CommandExportsSchema = MemorySchema.extend({ _start: CallSchema });

export type CompiledProgram = { readonly module: WebAssembly.Module; readonly imports: WasmModule["imports"] };

/**
 * Compiles a program, whose memory and tables get a maximum.
 * @throws ProgramError if it is none
 */
export const compileProgram = async (
  program: ArtifactProgram,
  { wasmMemory }: Pick<AttemptContext, "wasmMemory">,
): Promise<CompiledProgram> => {
  const bytes = await readFile(program.path);
  try {
    const found = readWasm(bytes);
    const misfit = findWasmMisfit(found);
    if (misfit !== undefined) throw new Error(misfit);
    const limited = limitModule(bytes, found, Math.floor(wasmMemory / pageBytes));
    return { module: await WebAssembly.compile(limited), imports: found.imports };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new ProgramError(program, problem, { cause: error, isFinal: true });
  }
};

/** A program's variables, each as `NAME=value`. */
export const variablesOf = ({ environment }: Pick<AttemptContext, "environment">): string[] =>
  Object.entries(environment).map(([name, value]) => `${name}=${value}`);

/** Says what went wrong in a program, and in which of its functions. */
export const describeTrap = (error: unknown, name: string): string => {
  if (!(error instanceof Error)) return String(error);
  const frame = /at (?:(\S+) \()?wasm:\/\/[^)\n]*?wasm-function\[(\d+)\]:(0x[0-9a-f]+)/g;
  const places = Array.from((error.stack ?? "").matchAll(frame)).slice(0, 10);
  const where = places.map(([, own, number, at]) => `\n    at ${own ?? `function ${number}`} (${name}:${at})`);
  return `${error.message}${where.join("")}`;
};

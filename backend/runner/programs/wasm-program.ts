import { z } from "zod";
import { counterAmount } from "../../../shared/module-contract.ts";
import { wasiModule, wasmAbi, wasmRoles } from "../../../shared/wasm-contract.ts";
import type { WasmModule } from "../../../shared/wasm-module.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { Guard } from "./guard.ts";
import { isStorageFailure } from "./module-program.ts";
import { ProgramMemory } from "./program-memory.ts";
import { type ArtifactProgram, ProgramError } from "./program.ts";
import { importedCalls, wasiCalls } from "./wasi.ts";
import { notThere } from "./wasi-abi.ts";
import { noFiles } from "./wasi-files.ts";
import {
  CallSchema,
  type CompiledProgram,
  compileProgram,
  describeTrap,
  MemorySchema,
  variablesOf,
} from "./wasm-module.ts";

/** Maximum bytes of a text that a program hands over, such as a name of a counter. More is cut off. */
const longestText = 64 * 1024;

/** What a program exports besides the functions of its roles. */
const ExportsSchema = MemorySchema.extend({
  edgefold_abi: CallSchema,
  input: CallSchema,
  _initialize: CallSchema.optional().catch(undefined),
});

/** The functions of its roles. */
const RoleSchema = z.record(z.string(), CallSchema.optional().catch(undefined));

/**
 * A loaded program in WebAssembly. It has its own memory and reaches nothing but what is imported here, so nothing that it hands
 * over is trusted.
 */
export class WasmProgram {
  readonly #program: ArtifactProgram;
  readonly #context: AttemptContext;
  readonly #emit: (packed: Buffer) => void;
  #exports: z.infer<typeof ExportsSchema> | undefined;
  readonly #take: (...parameters: number[]) => unknown;
  readonly #end: ((...parameters: number[]) => unknown) | undefined;
  readonly #memory = new ProgramMemory(() => this.#known.memory);
  readonly #guard = new Guard();
  /** Whether the program may emit now. */
  #emits = false;
  /** The address of the object that the current batch comes from. */
  inputPath = "";

  private constructor(
    program: ArtifactProgram,
    { module, imports }: CompiledProgram,
    context: AttemptContext,
    emit: (packed: Buffer) => void,
  ) {
    this.#program = program;
    this.#context = context;
    this.#emit = emit;
    const name = wasmRoles[program.role];
    const { exports } = this.#call(
      "while it was started",
      () => new WebAssembly.Instance(module, this.#imports(imports)),
    );
    this.#exports = ExportsSchema.parse(exports);
    const { [name]: take, [`${name}_end`]: end } = RoleSchema.parse(exports);
    if (take === undefined)
      throw new ProgramError(program, `does not export a function \`${name}\``, { isFinal: true });
    this.#take = take;
    this.#end = end;
    const abi = this.#call("while it was started", () => {
      this.#known._initialize?.();
      return this.#known.edgefold_abi();
    });
    if (abi !== wasmAbi) {
      const problem = `is for version ${String(abi)} of Edgefold's interface, the runner has version ${wasmAbi}`;
      throw new ProgramError(program, problem, { isFinal: true });
    }
  }

  /**
   * Loads a program.
   * @param emit takes whole packed records, and throws for anything else; the bytes are valid during the call
   * @throws ProgramError if it is no such program, or fails while it is started
   */
  static async load(
    program: ArtifactProgram,
    context: AttemptContext,
    emit: (packed: Buffer) => void,
  ): Promise<WasmProgram> {
    return new WasmProgram(program, await compileProgram(program, context), context, emit);
  }

  /**
   * Hands over a batch.
   * @param place what to call the batch in a message, such as `in records 1 to 9 of its input`
   * @throws ProgramError if the program fails
   */
  take(batch: Buffer, place: string): void {
    const address = this.#call(place, () => Number(this.#known.input(batch.length))) >>> 0;
    const memory = this.#memory.all;
    if (address + batch.length > memory.length) {
      throw new ProgramError(this.#program, `failed ${place}: input(${batch.length}) returned no place in its memory`);
    }
    batch.copy(memory, address);
    this.#calling(place, () => this.#take(address, batch.length));
  }

  /** Tells the program that there is no more input. @throws ProgramError if it fails */
  end(): void {
    this.#calling("at the end of its input", () => this.#end?.());
  }

  /** @throws Error while the program's start function runs */
  get #known(): z.infer<typeof ExportsSchema> {
    return this.#exports ?? fail(early);
  }

  #calling(place: string, call: () => unknown): void {
    this.#emits = true;
    try {
      this.#call(place, call);
    } finally {
      this.#emits = false;
    }
  }

  #call<T>(place: string, call: () => T): T {
    let thrown: { readonly error: unknown } | undefined;
    try {
      const result = call();
      if (this.#guard.failure === undefined) return result;
    } catch (error) {
      thrown = { error };
    }
    const { error } = this.#guard.failure ?? thrown ?? { error: undefined };
    this.#context.signal.throwIfAborted();
    if (isStorageFailure(error)) throw error;
    throw new ProgramError(this.#program, `failed ${place}: ${describeTrap(error, this.#program.name)}`, {
      cause: error,
    });
  }

  #text(address: number, length: number): string {
    return this.#memory.bytes(address, length).subarray(0, longestText).toString();
  }

  /** Copies a text into the program's memory if there is room. @returns its bytes */
  #give(text: string, address: number, room: number): number {
    const bytes = Buffer.from(text);
    const target = this.#memory.bytes(address, room);
    if (bytes.length <= target.length) bytes.copy(target);
    return bytes.length;
  }

  #imports(imports: WasmModule["imports"]): WebAssembly.Imports {
    const context = this.#context;
    const edgefold = {
      emit: (address: number, length: number) => {
        if (!this.#emits) fail(`emit was called where ${wasmRoles[this.#program.role]} is not at work`);
        this.#emit(this.#memory.bytes(address, length));
      },
      counter: (group: number, groupLength: number, name: number, nameLength: number, amount: number) =>
        context.counters.add(this.#text(group, groupLength), this.#text(name, nameLength), counterAmount(amount)),
      status: (address: number, length: number) => context.status(this.#text(address, length)),
      log: (address: number, length: number) => context.log(this.#memory.bytes(address, length)),
      fail: (address: number, length: number) => fail(this.#text(address, length)),
      arguments: (address: number, room: number) => this.#give(terminated(this.#program.args), address, room),
      environment: (address: number, room: number) => this.#give(terminated(variablesOf(context)), address, room),
      input_path: (address: number, room: number) => this.#give(this.inputPath, address, room),
    };
    // AssemblyScript's, with the addresses of a message and a file's name, both in UTF-16 behind their lengths.
    const abort = (message: number, file: number, line: number, column: number) =>
      fail(`aborted: ${this.#scriptText(message)} in ${this.#scriptText(file)}(${line >>> 0}:${column >>> 0})`);
    const guarded = (functions: Readonly<Record<string, Parameters<Guard["around"]>[0]>>) =>
      Object.fromEntries(Object.entries(functions).map(([name, call]) => [name, this.#guard.around(call)]));
    const wasi = Object.fromEntries(importedCalls(imports, this.#wasi()));
    return { edgefold: guarded(edgefold), env: guarded({ abort }), [wasiModule]: guarded(wasi) };
  }

  /** What the standard library of a language needs. Nothing waits: a batch is taken by one call. */
  #wasi(): ReturnType<typeof wasiCalls> {
    const context = this.#context;
    const calls = wasiCalls({
      memory: this.#memory,
      args: [this.#program.name, ...this.#program.args],
      environment: variablesOf(context),
      streams: {
        read: () => 0,
        write: (bytes) => {
          context.log(bytes);
          return undefined;
        },
        report: (bytes) => context.log(bytes),
      },
      files: noFiles,
      signal: context.signal,
    });
    return { ...calls, poll_oneoff: notThere };
  }

  /** A string of AssemblyScript (https://www.assemblyscript.org/runtime.html, "Memory layout"). */
  #scriptText(address: number): string {
    if (address === 0) return "?";
    const length = this.#memory.bytes(address - 4, 4).readUInt32LE();
    return this.#memory.bytes(address, Math.min(length, longestText)).toString("utf16le");
  }
}

/** Engines run a start function before they say where the module's memory is. */
const early =
  "it calls Edgefold in its start function, when its memory is not known yet. Export that function as `_initialize` instead, " +
  "in AssemblyScript by --exportStart _initialize";

const fail = (message: string): never => {
  throw new Error(message);
};

const terminated = (texts: readonly string[]): string => texts.map((text) => `${text}\0`).join("");

import type { ProgramType } from "../../../shared/api/artifacts.ts";
import { type Aggregate, type BuiltinName, identity } from "../../../shared/builtin-programs.ts";
import type { ProgramRole } from "../../../shared/protocol/tasks.ts";

/** A job's program on the runner's disk. */
export type ArtifactProgram = {
  readonly role: ProgramRole;
  /** The artifact's name, for messages. */
  readonly name: string;
  /**
   * `executable`: reads stdin and writes stdout, as in Hadoop Streaming. `module`: an ES module that runs in this process.
   * `wasm`: a module in WebAssembly that takes batches; see docs/reference/wasm.md. `command`: one that reads stdin and writes stdout.
   */
  readonly type: ProgramType | "command";
  /** The file. An executable has execute permission; a module has an extension that makes Node.js treat it as an ES module. */
  readonly path: string;
  /** The program's arguments. */
  readonly args: readonly string[];
};

/** A program that comes with the runner. */
export type BuiltinProgram = { readonly role: ProgramRole; readonly name: BuiltinName; readonly type: "builtin" };

export type Program = ArtifactProgram | BuiltinProgram;

/** A program as messages name it. */
export type NamedProgram = Pick<Program, "role" | "name">;

/** A program that reads what another one emits. */
export type Reader = Pick<ArtifactProgram, "role" | "name" | "type"> | BuiltinProgram;

/** Whether a program reads and writes lines `key TAB value`. */
export const isTextual = ({ type }: Pick<Program, "type">): boolean => type === "executable" || type === "command";

/** How a program that comes with the runner combines the values of a key; undefined if it keeps them all. */
export const aggregateOf = ({ name }: Pick<BuiltinProgram, "name">): Aggregate | undefined =>
  name === identity ? undefined : name;

/** A program failed through its own fault. A retry on the same data will most likely fail again. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  /** The program can never run, whatever its input. Every attempt fails in the same way. */
  readonly isFinal: boolean;

  /** @param problem what happened, as the rest of a sentence that starts with the program's role and name */
  constructor(program: NamedProgram, problem: string, options: ErrorOptions & { readonly isFinal?: boolean } = {}) {
    super(`${program.role} ${program.name} ${problem}`.toWellFormed(), options);
    this.isFinal = options.isFinal ?? false;
  }
}

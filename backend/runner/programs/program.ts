/** A program of a job, on the runner's disk. */
export type Program = {
  readonly role: "mapper" | "reducer" | "combiner";
  /** The artifact's name, for messages. */
  readonly name: string;
  /** `executable`: reads stdin, writes stdout, as in Hadoop Streaming. `module`: an ES module, run in this process. */
  readonly type: "executable" | "module";
  /** The file: for an executable, with permission to execute it; for a module, with an ending by which Node.js takes it as one. */
  readonly path: string;
  /** What it is called with. */
  readonly args: readonly string[];
};

/** A program as one that reads what another emits. */
export type Reader = Pick<Program, "role" | "name" | "type">;

/** A program failed by its own fault: trying it again on the same data will most likely fail again. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  /** The program can never run, whatever its input: another attempt is bound to fail in the same way. */
  readonly isFinal: boolean;

  /** @param problem what happened, as the rest of a sentence that begins with the program's role and name */
  constructor(program: Program, problem: string, options: ErrorOptions & { readonly isFinal?: boolean } = {}) {
    super(`${program.role} ${program.name} ${problem}`.toWellFormed(), options);
    this.isFinal = options.isFinal ?? false;
  }
}

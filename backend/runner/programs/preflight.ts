import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { readStart } from "../read-start.ts";
import { inspectProgram } from "./inspect.ts";
import { type Program, ProgramError } from "./program.ts";

/** Checks an executable before it is started. @throws ProgramError that says why it cannot run on this machine */
export async function checkExecutable(program: Program): Promise<void> {
  const problem = inspectProgram(await readStart(program.path), {
    platform: process.platform,
    arch: process.arch,
    findInterpreter,
  });
  if (problem !== undefined) throw new ProgramError(program, problem, { isFinal: true });
}

function findInterpreter(interpreter: string): boolean {
  const folders = isAbsolute(interpreter) ? [""] : (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => isExecutable(join(folder, interpreter)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

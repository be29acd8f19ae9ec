import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { readStart } from "../read-start.ts";
import { inspectProgram } from "./inspect.ts";
import { type ArtifactProgram, ProgramError } from "./program.ts";

/**
 * Checks an executable before it is started.
 * @param directory where it will run
 * @throws ProgramError that says why it cannot run on this machine
 */
export async function checkExecutable(program: ArtifactProgram, directory: string): Promise<void> {
  const problem = inspectProgram(await readStart(program.path), {
    platform: process.platform,
    arch: process.arch,
    findInterpreter: (interpreter) => findInterpreter(interpreter, directory),
  });
  if (problem !== undefined) throw new ProgramError(program, problem, { isFinal: true });
}

function findInterpreter(interpreter: string, directory: string): boolean {
  const folders = isAbsolute(interpreter)
    ? [""]
    : interpreter.includes("/")
      ? // Such as into an archive of the job.
        [directory]
      : (process.env["PATH"] ?? "").split(delimiter);
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

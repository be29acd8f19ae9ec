import { accessSync, constants, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { inspectedBytes } from "../../../shared/program-start.ts";
import { inspectProgram } from "./inspect.ts";
import { type Program, ProgramError } from "./program.ts";

/** Looks at an executable before it is started. @throws ProgramError that says why it cannot run on this machine */
export async function checkExecutable(program: Program): Promise<void> {
  const problem = inspectProgram(await readStart(program.path), {
    platform: process.platform,
    arch: process.arch,
    findInterpreter,
  });
  if (problem !== undefined) throw new ProgramError(program, problem, { isFinal: true });
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(inspectedBytes), 0, inspectedBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
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

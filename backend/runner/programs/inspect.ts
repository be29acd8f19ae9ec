import { inspectStart } from "../../../shared/program-start.ts";
import { commandOf } from "./env-command.ts";

/** The machine that an executable is checked against. */
type Machine = {
  /** `process.platform` and `process.arch` of the runner. */
  readonly platform: string;
  readonly arch: string;
  /** Whether an interpreter exists: an absolute path as given, anything else on the PATH. */
  findInterpreter(interpreter: string): boolean;
};

/** `e_machine` of the ELF header (System V ABI, generic part, figure 4-3) and Node's names of the architectures. */
const elfMachines: ReadonlyMap<number, string> = new Map([
  [0x03, "ia32"],
  [0x08, "mips"],
  [0x15, "ppc64"],
  [0x16, "s390x"],
  [0x28, "arm"],
  [0x3e, "x64"],
  [0xb7, "arm64"],
  [0xf3, "riscv64"],
  [0x102, "loong64"],
]);

/**
 * Explains why an executable can never run on this machine. The check runs before the start, because the kernel's own message
 * (`Exec format error`) does not help. Anything that is not understood is left to the kernel and to `env`.
 * @param start the first `inspectedBytes` of the file, or all of a shorter one
 * @returns the rest of a sentence that starts with the program's name and tells how to fix it; undefined if nothing is wrong
 */
export function inspectProgram(start: Uint8Array, machine: Machine): string | undefined {
  const target = `${machine.platform}/${machine.arch}`;
  const found = inspectStart(start);
  switch (found.kind) {
    case "unusable":
      return found.problem;
    case "script":
      return inspectScript(found.line, machine);
    case "mach-o":
      return machine.platform === "darwin" ? undefined : `is built for macOS, build it for ${target}`;
    case "elf": {
      const built = elfMachines.get(found.machine) ?? `machine 0x${found.machine.toString(16)}`;
      if (machine.platform === "linux" && built === machine.arch) return undefined;
      return `is built for linux/${built}, build it for ${target}`;
    }
  }
}

function inspectScript(line: string, machine: Machine): string | undefined {
  const [, interpreter = "", argument = ""] = /^([^ \t]+)[ \t]*(.*)$/.exec(line) ?? [];
  if (!interpreter.includes("/")) {
    return `names the interpreter ${interpreter} without its path: write \`#!/usr/bin/env ${line}\` as the first line`;
  }
  // The kernel resolves a relative path with a slash against the program's working directory, which is not searched here.
  if (!machine.findInterpreter(interpreter)) return missing(interpreter);
  if (!interpreter.endsWith("/env")) return undefined;
  const { command, isWhole } = commandOf(argument);
  if (command === undefined || machine.findInterpreter(command)) return undefined;
  if (command === "") return "names no command after `env` in its first line";
  if (isWhole && /[ \t]/.test(command)) {
    return `needs a command named "${command}": write \`env -S ${command}\` in its first line`;
  }
  return missing(command);
}

function missing(name: string): string {
  return `needs ${name}, which is not installed on the runner`;
}

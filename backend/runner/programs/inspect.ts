/** What an executable is checked against. */
type Machine = {
  /** `process.platform` and `process.arch` of the runner. */
  readonly platform: string;
  readonly arch: string;
  /** Whether an interpreter is there: an absolute path as it is, a name on the PATH. */
  findInterpreter(interpreter: string): boolean;
};

/** How many bytes of a file `inspectProgram` wants to see: more than Linux reads of a `#!` line (`BINPRM_BUF_SIZE`, 256). */
export const inspectedBytes = 512;

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

/** The first four bytes of Mach-O files, big-endian: 32 and 64 bit in both byte orders, and universal binaries (`mach-o/loader.h`, `fat.h`). */
const machMagics: ReadonlySet<number> = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe]);

/**
 * Why an executable cannot run here, found before it is started, because the kernel's own words (`Exec format error`) do
 * not help.
 * @param start the first `inspectedBytes` of the file, or all of a shorter one
 * @returns the rest of a sentence that begins with the program's name, with the cure; undefined when nothing is wrong
 */
export function inspectProgram(start: Buffer, machine: Machine): string | undefined {
  const target = `${machine.platform}/${machine.arch}`;
  if (start.length === 0) return "is an empty file";
  if (start.toString("latin1", 0, 2) === "#!") return inspectScript(start, machine);
  if (start.length >= 20 && start.readUInt32BE(0) === 0x7f454c46) {
    const id = start[5] === 2 ? start.readUInt16BE(18) : start.readUInt16LE(18);
    const built = elfMachines.get(id) ?? `machine 0x${id.toString(16)}`;
    if (machine.platform === "linux" && built === machine.arch) return undefined;
    return `is built for linux/${built}, build it for ${target}`;
  }
  if (start.length >= 4 && machMagics.has(start.readUInt32BE(0))) {
    return machine.platform === "darwin" ? undefined : `is built for macOS, build it for ${target}`;
  }
  if (start.toString("latin1", 0, 2) === "MZ") return `is built for Windows, build it for ${target}`;
  if (start.toString("latin1", 0, 3) === "\u00ef\u00bb\u00bf") {
    return "begins with a byte order mark, so that the system does not see its first line: save it as UTF-8 without BOM";
  }
  return "has no first line that names its interpreter: add `#!/usr/bin/env …` as the first line, or, if it is a JavaScript module, upload it with `--form type=module`";
}

function inspectScript(start: Buffer, machine: Machine): string | undefined {
  const lineEnd = start.indexOf(0x0a);
  const line = start.toString("utf8", 2, lineEnd === -1 ? start.length : lineEnd);
  if (line.endsWith("\r")) {
    return "has Windows line endings, which become part of the interpreter's name: convert it with `sed -i 's/\\r$//' FILE`";
  }
  const words = line.trim().split(/[ \t]+/);
  const [interpreter = "", ...rest] = words;
  if (interpreter === "") return "names no interpreter after `#!`: write `#!/usr/bin/env …` as the first line";
  if (!machine.findInterpreter(interpreter)) return missing(interpreter);
  if (!/(^|\/)env$/.test(interpreter)) return undefined;
  // Without -S, env gets all the rest of the line as one argument: it looks for a command of that name.
  const splits = rest[0] === "-S" || rest[0] === "--split-string";
  const command = splits ? rest.slice(1).find((word) => !word.startsWith("-") && !word.includes("=")) : rest.join(" ");
  if (command === undefined || command === "") return "names no command after `env` in its first line";
  if (machine.findInterpreter(command)) return undefined;
  if (!splits && rest.length > 1)
    return `needs a command named "${command}": write \`env -S ${command}\` in its first line`;
  return missing(command);
}

function missing(name: string): string {
  return `needs ${name}, which is not installed on the runner`;
}

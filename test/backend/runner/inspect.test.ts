import { expect, test } from "vitest";
import { inspectProgram } from "../../../backend/runner/programs/inspect.ts";

const machine = {
  platform: "linux",
  arch: "x64",
  findInterpreter: (name: string) => ["/usr/bin/env", "/bin/sh", "python3"].includes(name),
};

function elf(id: number, bigEndian = false): Buffer {
  const header = Buffer.alloc(64);
  header.write("\u007fELF", "latin1");
  header[5] = bigEndian ? 2 : 1;
  if (bigEndian) header.writeUInt16BE(id, 18);
  else header.writeUInt16LE(id, 18);
  return header;
}

test.each<[string, string | Buffer, string | undefined]>([
  ["a shell script", "#!/bin/sh\ncat", undefined],
  ["a script without a newline", "#!/bin/sh", undefined],
  ["arguments of the interpreter", "#! /bin/sh -e\n", undefined],
  ["env", "#!/usr/bin/env python3\n", undefined],
  ["env -S", "#!/usr/bin/env -S PYTHONUTF8=1 python3 -u\n", undefined],
  ["env without -S", "#!/usr/bin/env python3 -u\n", "env -S python3 -u"],
  ["no shebang", "import sys\n", "--form type=module"],
  ["no shebang, the other cure", "import sys\n", "add `#!/usr/bin/env …` as the first line"],
  ["a byte order mark", Buffer.from("\ufeff#!/bin/sh\n"), "byte order mark"],
  ["Windows line endings", "#!/usr/bin/env python3\r\nimport sys\r\n", "sed -i 's/\\r$//' FILE"],
  ["an unknown command", "#!/usr/bin/env foo\n", "needs foo, which is not installed on the runner"],
  ["an unknown path", "#!/usr/bin/foo\n", "needs /usr/bin/foo, which is not installed on the runner"],
  ["an empty shebang", "#!\n", "names no interpreter"],
  ["env alone", "#!/usr/bin/env\n", "names no command"],
  ["an empty file", "", "is an empty file"],
  ["our ELF", elf(0x3e), undefined],
  ["an ELF for ARM", elf(0xb7), "is built for linux/arm64, build it for linux/x64"],
  ["a big-endian ELF", elf(0x16, true), "is built for linux/s390x"],
  ["an unknown ELF", elf(0x1234), "machine 0x1234"],
  ["Mach-O", Buffer.from("cffaedfe0700000100", "hex"), "is built for macOS, build it for linux/x64"],
  ["a universal binary", Buffer.from("cafebabe00000002", "hex"), "is built for macOS"],
  ["PE", "MZ\u0090\0", "is built for Windows, build it for linux/x64"],
])("%s", (_, start, problem) => {
  const found = inspectProgram(Buffer.from(start), machine);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
});

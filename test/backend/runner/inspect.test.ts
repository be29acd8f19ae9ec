import { expect, test } from "vitest";
import { inspectProgram } from "../../../backend/runner/programs/inspect.ts";

const machine = {
  platform: "linux",
  arch: "x64",
  findInterpreter: (name: string) => ["/usr/bin/env", "/bin/sh", "python3"].includes(name),
};

function elf(id: number, bigEndian = false, type = 2, entry = 0): Buffer {
  const header = Buffer.alloc(64);
  header.write("\u007fELF", "latin1");
  header[4] = 2;
  header[5] = bigEndian ? 2 : 1;
  if (!bigEndian) header.writeUInt16LE(type, 16);
  header.writeUInt32LE(entry, 24);
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
  ["PE", "MZ\u0090\0", "is built for Windows: build it for Linux"],
  ["env with an option that takes an argument", "#!/usr/bin/env -S -u FOO python3\n", undefined],
  ["env with options", "#!/usr/bin/env -S -i -C /tmp --unset=X A=1 python3 -u\n", undefined],
  ["env with options and an unknown command", "#!/usr/bin/env -S -u FOO foo\n", "needs foo"],
  ["env --split-string", "#!/usr/bin/env --split-string=python3 -u\n", undefined],
  ["env --split-string with an unknown command", "#!/usr/bin/env --split-string=foo -u\n", "needs foo"],
  ["env -S in one word", "#!/usr/bin/env -Spython3 -u\n", undefined],
  ["env -vS", "#!/usr/bin/env -vS foo\n", "needs foo"],
  ["env with an option that is not known", "#!/usr/bin/env -S --new=x foo\n", undefined],
  ["env with quotes", "#!/usr/bin/env -S 'foo' -u\n", undefined],
  ["env with a variable", "#!/usr/bin/env -S ${HOME}/foo\n", undefined],
  ["env with another PATH", "#!/usr/bin/env -S PATH=/opt foo\n", undefined],
  ["env without -S and an option", "#!/usr/bin/env -i\n", undefined],
  ["env -S alone", "#!/usr/bin/env -S\n", "names no command"],
  [
    "an interpreter without its path",
    "#!python3 -u\n",
    "names the interpreter python3 without its path: write `#!/usr/bin/env python3",
  ],
  ["a Java class", Buffer.from("cafebabe00000041", "hex"), "is a Java class"],
  ["a jar", "PK\u0003\u0004....", "is a zip archive"],
  ["gzip", Buffer.from("1f8b0800000000000003", "hex"), "is compressed with gzip"],
  ["zstd", Buffer.from("28b52ffd04", "hex"), "is compressed with zstd"],
  ["bzip2", "BZh91AY&SY", "is compressed with bzip2"],
  ["xz", Buffer.from("fd377a585a000004", "hex"), "is compressed with xz"],
  ["tar", `${"\0".repeat(257)}ustar\0`, "is a tar archive"],
  ["compiled Python", Buffer.from("cb0d0d0a000000000000000000000000", "hex"), "is compiled Python"],
  ["WebAssembly", Buffer.from("0061736d01000000", "hex"), "is a WebAssembly module"],
  ["UTF-16", Buffer.from("\ufeff#!/bin/sh\n", "utf16le"), "is UTF-16 text"],
  ["an object file", elf(0x3e, false, 1), "is an object file"],
  ["a shared library", elf(0x3e, false, 3), "is a shared library"],
  ["a position-independent program", elf(0x3e, false, 3, 0x1000), undefined],
  ["four bytes", "abcd", "has no first line"],
])("%s", (_, start, problem) => {
  const found = inspectProgram(Buffer.from(start), machine);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
});

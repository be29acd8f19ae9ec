import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack, type Header } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ArchiveError } from "../../../backend/runner/archives/archive-error.ts";
import { unpackArchive } from "../../../backend/runner/archives/unpack.ts";
import { zipOf } from "../../helpers/zip.ts";

vi.mock("../../../shared/limits.ts", async (original) => ({
  ...(await original<object>()),
  maxUnpackedBytes: 1000,
  maxUnpackedEntries: 10,
}));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

type TarEntry = Partial<Header> & { readonly name: string; readonly content?: string };

const tarOf = async (entries: readonly TarEntry[]): Promise<Buffer> => {
  const tar = pack();
  for (const { content = "", ...header } of entries) tar.entry(header, content);
  tar.finalize();
  return Buffer.concat(await Array.fromAsync(tar, (chunk) => (chunk instanceof Uint8Array ? chunk : Buffer.of())));
};

/** Unpacks an archive into `folder/into`. @returns everything in there: contents, file modes, link targets */
const unpack = async (archive: Buffer, signal = new AbortController().signal): Promise<Record<string, string>> => {
  writeFileSync(join(folder, "archive"), archive);
  const into = join(folder, "into");
  await unpackArchive({ name: "deps", path: join(folder, "archive") }, into, signal, () => undefined);
  const found = readdirSync(into, { recursive: true, encoding: "utf8" }).map((name) => {
    const path = join(into, name);
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) return [name, `-> ${readlinkSync(path)}`];
    return [name, stats.isDirectory() ? "/" : `${(stats.mode & 0o7777).toString(8)} ${readFileSync(path, "utf8")}`];
  });
  return Object.fromEntries(found);
};

const refusal = async (archive: Buffer): Promise<string> => {
  const error: unknown = await unpack(archive).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ArchiveError);
  // Nothing may be written outside the folder to unpack into.
  expect(readdirSync(folder).toSorted()).toEqual(["archive", "into"]);
  return error instanceof Error ? error.message : "";
};

describe("an archive is unpacked", () => {
  const unpacked = {
    package: "/",
    "package/__init__.py": "444 import this\n",
    "package/run": "555 #!/bin/sh\n",
    "package/again": "-> ../package/__init__.py",
    ü: "444 ",
  };

  it("of tar, compressed or not, with modes and links", async () => {
    const tar = await tarOf([
      { name: "./", type: "directory" },
      { name: "./package", type: "directory", mode: 0o700 },
      { name: "./package/__init__.py", content: "import this\n", mode: 0o666 },
      { name: "package/run", content: "#!/bin/sh\n", mode: 0o4755 },
      { name: "package/again", type: "symlink", linkname: "../package/__init__.py" },
      { name: "ü" },
    ]);
    expect(await unpack(tar)).toEqual(unpacked);
    rmSync(join(folder, "into"), { recursive: true });
    expect(await unpack(gzipSync(tar))).toEqual(unpacked);
  });

  it("of tar with hard links", async () => {
    const tar = await tarOf([
      { name: "a/b", content: "b" },
      { name: "c", type: "link", linkname: "a/b" },
    ]);
    expect(await unpack(tar)).toEqual({ a: "/", "a/b": "444 b", c: "444 b" });
  });

  it("of zip", async () => {
    const zip = zipOf([
      { name: "package/__init__.py", content: "import this\n" },
      { name: "package/run", content: "#!/bin/sh\n", mode: 0o104755 },
      { name: "package/again", content: "../package/__init__.py", mode: 0o120777 },
      { name: "ü" },
    ]);
    expect(await unpack(zip)).toEqual(unpacked);
  });

  it("unless the attempt is over", async () => {
    const over = new Error("over");
    await expect(unpack(zipOf([{ name: "a" }]), AbortSignal.abort(over))).rejects.toBe(over);
  });
});

const leadsOut = /^the archive deps cannot be unpacked: its entry '.+' .*(leads out of it|has an absolute path)$/;

describe("an archive is refused", () => {
  it.each<[string, TarEntry[], RegExp]>([
    ["that leads out", [{ name: "../beside", content: "x" }], leadsOut],
    ["that leads out on a detour", [{ name: "a/../../beside", content: "x" }], leadsOut],
    ["with an absolute path", [{ name: "/tmp/beside", content: "x" }], leadsOut],
    ["with a link out", [{ name: "a", type: "symlink", linkname: ".." }], leadsOut],
    ["with an absolute link", [{ name: "a", type: "symlink", linkname: "/etc/passwd" }], leadsOut],
    [
      "with a link out by way of another link",
      [
        { name: "here", type: "symlink", linkname: "." },
        { name: "out", type: "symlink", linkname: "here/.." },
      ],
      leadsOut,
    ],
    [
      "with a link to nowhere",
      [{ name: "a", type: "symlink", linkname: "b" }],
      /'a' is a link to 'b', which leads nowhere/,
    ],
    [
      "that writes through a link",
      [
        { name: "a", type: "symlink", linkname: ".." },
        { name: "a/beside", content: "x" },
      ],
      /'a' has the name of another one/,
    ],
    [
      "that makes a link through a link",
      [
        { name: "a", type: "symlink", linkname: ".." },
        { name: "a/beside", type: "symlink", linkname: "archive" },
      ],
      /'a' has the name of another one/,
    ],
    ["with a hard link out", [{ name: "a", type: "link", linkname: "../archive" }], leadsOut],
    ["with a hard link to nothing", [{ name: "a", type: "link", linkname: "b" }], /no file before it/],
    ["with a device", [{ name: "null", type: "character-device", devmajor: 1, devminor: 3 }], /neither a file/],
    ["with a pipe", [{ name: "pipe", type: "fifo" }], /neither a file, a directory nor a link/],
    ["with two files of one name", [{ name: "a" }, { name: "./a" }], /'.\/a' has the name of another one/],
    ["with a file as a directory", [{ name: "a" }, { name: "a/b" }], /'a\/b' has the name of another one/],
    ["with too long a name", [{ name: "x".repeat(256) }], /has too long a name/],
    [
      "that holds too much",
      [
        { name: "a", content: "x".repeat(600) },
        { name: "b", content: "x".repeat(401) },
      ],
      /more than 1000 bytes/,
    ],
    ["that holds too many", Array.from({ length: 11 }, (_, i) => ({ name: `${i}` })), /more than 10 entries/],
  ])("%s (tar)", async (_, entries, message) => {
    expect(await refusal(gzipSync(await tarOf(entries)))).toMatch(message);
  });

  it.each<[string, Parameters<typeof zipOf>[0], RegExp]>([
    ["that leads out", [{ name: "../beside", content: "x" }], /^the archive deps cannot be unpacked: .*\.\.\/beside/],
    ["that leads out with backslashes", [{ name: "..\\beside", content: "x" }], /beside/],
    ["with an absolute path", [{ name: "/tmp/beside", content: "x" }], /absolute path: \/tmp\/beside/],
    ["with a link out", [{ name: "a", content: "..", mode: 0o120777 }], leadsOut],
    ["with a device", [{ name: "null", mode: 0o020666 }], /neither a file, a directory nor a link/],
    ["that holds too much", [{ name: "a", content: "x".repeat(1001) }], /more than 1000 bytes/],
    ["that holds too many", Array.from({ length: 11 }, (_, i) => ({ name: `${i}` })), /more than 10 entries/],
  ])("%s (zip)", async (_, entries, message) => {
    expect(await refusal(zipOf(entries))).toMatch(message);
  });

  it("that is damaged", async () => {
    const tar = await tarOf([{ name: "a", content: "x".repeat(900) }]);
    expect(await refusal(gzipSync(tar).subarray(0, -20))).toMatch(/cannot be unpacked: unexpected end of file/);
    rmSync(join(folder, "into"), { recursive: true });
    expect(await refusal(gzipSync("no tar archive".repeat(100)))).toMatch(/cannot be unpacked: Invalid tar header/);
    rmSync(join(folder, "into"), { recursive: true });
    expect(await refusal(tar.subarray(0, 700))).toMatch(/cannot be unpacked: Unexpected end of data/);
    rmSync(join(folder, "into"), { recursive: true });
    expect(await refusal(zipOf([{ name: "a" }]).subarray(0, -10))).toMatch(/cannot be unpacked: /);
  });
});

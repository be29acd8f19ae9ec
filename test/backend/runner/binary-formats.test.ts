import { gzipSync, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { binaryFormat } from "../../../backend/runner/input/binary-formats.ts";
import { readInput } from "../../../backend/runner/input/task-input.ts";
import { pulled } from "../../../backend/storage/pulled.ts";
import { bzip2Fixtures } from "../storage/bzip2-fixtures.ts";
import { chunks } from "./harness.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** A tar archive of one file, with the magic of POSIX or GNU tar at byte 257. */
const tar = (magic: string): Buffer => {
  const header = Buffer.alloc(1024);
  header.write("name.txt", 0);
  header.write(magic, 257, "latin1");
  return header;
};

const binaries: Readonly<Record<string, Buffer>> = {
  "a gzip file": gzipSync("hello\n"),
  "a zstd file": zstdCompressSync("hello\n"),
  "a bzip2 file": bzip2Fixtures.one.compressed,
  "an xz file": bytes("\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46"),
  "an lzma file": bytes("\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x34"),
  "an lzip file": bytes("LZIP\x01\x0c\0\x34\x19\x49"),
  "an LZ4 file": bytes("\x04\x22\x4d\x18\x64\x40\xa7"),
  "a zstd or LZ4 file": bytes("\x50\x2a\x4d\x18\x04\0\0\0abcd"),
  "a Snappy file": bytes("\xff\x06\0\0sNaPpY\x01\x0a"),
  "a zip archive": bytes("PK\x03\x04\x14\0\0\0\x08\0"),
  "a 7z archive": bytes("7z\xbc\xaf\x27\x1c\0\x04"),
  "a RAR archive": bytes("Rar!\x1a\x07\x01\0"),
  "a tar archive": tar("ustar\x0000"),
  "a Parquet file": bytes("PAR1\x15\0\x15\xd4\x01\x15\xd8\x01"),
  "an ORC file": bytes("ORC\x0a\x06\x12\x04\x08\x01\x50\0"),
  "an Avro file": bytes("Obj\x01\x04\x14avro.codec\x08null\x16avro.schema"),
  "a Hadoop SequenceFile": bytes("SEQ\x06\x19org.apache.hadoop.io.Text\x19org.apache.hadoop.io.Text\0\0\0\0\0\0"),
  "an SQLite database": bytes("SQLite format 3\0\x10\0"),
  "a PDF document": bytes("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
  "an ELF program": bytes("\x7fELF\x02\x01\x01\0"),
  "a Windows program": bytes("MZ\x90\0\x03\0\0\0"),
};

const read = async (path: string, stored: Buffer, compression?: "none"): Promise<string> => {
  const range = { path, size: stored.length, etag: "", start: 0, end: stored.length };
  const open = async (_: unknown, { start, end } = { start: 0, end: stored.length }) => {
    const pieces = chunks(stored.subarray(start, end), 7)[Symbol.iterator]();
    return pulled({ next: async () => pieces.next().value, close: async () => undefined });
  };
  const all: Buffer[] = [];
  const source = { recordLimit: 10_000, compression, open };
  for await (const batch of readInput([range], source)) all.push(Buffer.from(batch.bytes));
  return Buffer.concat(all).toString("latin1");
};

describe.each(Object.entries(binaries))("%s", (name, stored) => {
  test("fails its map with the format's name, whatever the file's name, even if compressed", async () => {
    const refused = { name: "StorageError", code: "UnsupportedInput", message: expect.stringContaining(name) };
    for (const path of ["http://s/b/a.txt", "http://s/b/a", "http://s/b/a.csv"]) {
      await expect(read(path, stored), path).rejects.toMatchObject(refused);
    }
    const within = {
      ...refused,
      message: expect.stringContaining(`what the object decompresses to begins like ${name}`),
    };
    await expect(read("http://s/b/a.gz", gzipSync(stored))).rejects.toMatchObject(within);
    await expect(read("http://s/b/a.ZST", zstdCompressSync(stored))).rejects.toMatchObject(within);
  });

  test("is read unchanged if bytes are requested, whatever the file's name", async () => {
    const text = stored
      .toString("latin1")
      .replace(/\r?\n?$/, "\n")
      .replaceAll("\r\n", "\n");
    for (const path of ["a.txt", "a.gz", "a.bz2"]) expect(await read(path, stored, "none")).toBe(text);
  });
});

test.each(["\xff\xfea\0", "\xfe\xff\0a", "\xff\xfe\0\0a\0\0\0", "\0\0\xfe\xff\0\0\0a"])(
  "text in another encoding is refused with its name: %j",
  async (text) => {
    await expect(read("a.txt", bytes(text))).rejects.toMatchObject({
      code: "UnsupportedInput",
      message: expect.stringMatching(/is text in UTF-(16|32), not in UTF-8.*inputCompression "none"/),
    });
  },
);

test.each([
  "PK",
  "PK\x03\x04 and so on",
  "PKO Bank",
  "BZh91AY&SY is how bzip2 begins",
  "BZh9",
  "Objective",
  "Obj\x01field\x02item",
  "PAR1\tgolf",
  "ORC\tmonster",
  "MZ\x01fields of Hive",
  "SEQ\x06",
  "Rar!",
  "%PDF",
  "GIF89a is a format",
  "LZIP\x01x",
  "\x7f",
  "\x1f",
  `${"a".repeat(257)}ustar is a word`,
  "\xef\xbb\xbftext",
  "ÿ and þ in Latin-1",
  "\0a\0b",
  "",
])("text can begin with %j", (text) => expect(binaryFormat(bytes(text))).toBeUndefined());

test("no text of printable characters is taken for another format", () => {
  const printable = fc.string({ unit: "grapheme-composite", maxLength: 600 });
  const beginning = fc.constantFrom(
    "",
    "PK",
    "BZh91AY&SY",
    "Obj",
    "PAR1",
    "ORC",
    "MZ",
    "SEQ",
    "7z",
    "Rar!",
    "LZIP",
    "GIF89a",
  );
  fc.assert(
    fc.property(beginning, printable, (begin, rest) => {
      const text = Buffer.from(begin + rest.replaceAll("\0", ""));
      expect(binaryFormat(text)).toBeUndefined();
    }),
    { numRuns: 1000, seed: 4 },
  );
});

import { Readable } from "node:stream";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decompressed } from "../../../backend/storage/decompress.ts";
import { compressionOf } from "../../../shared/compression.ts";
import { bytesOf, pattern } from "./bytes.ts";
import { bzip2Fixtures } from "./bzip2-fixtures.ts";

const inChunks = (data: Buffer, size: number): Readable => {
  const chunks: Buffer[] = [];
  for (let at = 0; at < data.length; at += size) chunks.push(data.subarray(at, at + size));
  return Readable.from(chunks);
};

const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from("abc")]);
const checked = (data: Buffer): Buffer => zstdCompressSync(data, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const runs = Buffer.alloc(400_000, "x");

test.each<[string, string | undefined]>([
  ["a.gz", "gzip"],
  ["A.CSV.GZ", "gzip"],
  ["a/b.txt.zst", "zstd"],
  ["a.Zst", "zstd"],
  ["a.bz2", "bzip2"],
  ["a.BZ2", "bzip2"],
  ["a.txt", undefined],
  ["gz", undefined],
  ["a.gz/b", undefined],
  ["a.gz.txt", undefined],
  ["", undefined],
])("%s is compressed by %s", (key, compression) => {
  expect(compressionOf(key)).toBe(compression);
  expect(compressionOf(key, "none")).toBeUndefined();
});

test("leaves anything else unchanged", () => {
  const stream = Readable.from([]);
  expect(decompressed("a.txt", stream)).toBe(stream);
});

/** A frame of 100 bytes: a descriptor, the rest of the header, and a block that repeats one byte (RFC 8878). */
const zstdFrame = (descriptor: number, header: readonly number[]): Buffer =>
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...header, 0x23, 0x03, 0x00, 0x78]);

/** The byte of a header that requests a window of 2 to the power of `log` bytes. */
const windowOf = (log: number): readonly number[] => [(log - 10) << 3];

describe("a zstd frame that requests more memory than allowed", () => {
  test.each([
    ["a window of 2 GiB", zstdFrame(0, windowOf(31))],
    ["a window of 256 MiB", zstdFrame(0, windowOf(28))],
    ["a content of a TiB, which is its window", zstdFrame(0xe0, [0, 0, 0, 0, 0, 1, 0, 0])],
    ["a window of 2 GiB, in a later frame", Buffer.concat([zstdCompressSync("one\n"), zstdFrame(0, windowOf(31))])],
  ])("is refused: %s", async (_name, data) => {
    await expect(bytesOf(decompressed("a.zst", inChunks(data, 5)))).rejects.toMatchObject({
      name: "StorageError",
      code: "WindowTooLarge",
      message: expect.stringMatching(/^a\.zst: .* 128 MiB.*\(WindowTooLarge\)$/),
    });
  });

  test("is accepted with 128 MiB", async () => {
    expect(await bytesOf(decompressed("a.zst", inChunks(zstdFrame(0, windowOf(27)), 5)))).toHaveLength(100);
  });
});

describe.each([
  ["a.gz", gzipSync, [gzipSync("one\n"), gzipSync(""), gzipSync("two\n")]],
  [
    "a.zst",
    zstdCompressSync,
    [zstdCompressSync("one\n"), skippable, zstdCompressSync(""), checked(Buffer.from("two\n"))],
  ],
] as const)("%s", (key, compress, members) => {
  test("in upper case is the same", async () => {
    const data = Buffer.concat(members);
    expect((await bytesOf(decompressed(key.toUpperCase(), inChunks(data, 7)))).toString()).toBe("one\ntwo\n");
  });

  test("of several members, however they are chunked", async () => {
    const data = Buffer.concat(members);
    for (let size = 1; size <= data.length; size++) {
      expect((await bytesOf(decompressed(key, inChunks(data, size)))).toString()).toBe("one\ntwo\n");
    }
  });

  test("of several long members, however they are chunked", async () => {
    const contents = [pattern(700_000), runs, pattern(10)];
    const data = Buffer.concat(contents.map((each) => compress(each)));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1000, max: data.length }), async (size) => {
        expect((await bytesOf(decompressed(key, inChunks(data, size)))).equals(Buffer.concat(contents))).toBe(true);
      }),
      { numRuns: 10, seed: 5 },
    );
  });

  test("cut off anywhere is an error", async () => {
    const [first = Buffer.alloc(0)] = members;
    const data = Buffer.concat([first, first]);
    for (let length = 0; length < data.length; length++) {
      if (length === first.length) continue;
      const cut = decompressed(key, Readable.from([data.subarray(0, length)]));
      await expect(bytesOf(cut), `at ${length}`).rejects.toMatchObject({ name: "StorageError", code: "CorruptInput" });
    }
  });

  test("with trailing bytes, or without any compressed data, is an error", async () => {
    for (const data of [
      Buffer.concat([...members, Buffer.from("garbage!")]),
      Buffer.from("just text, not compressed"),
    ]) {
      await expect(bytesOf(decompressed(key, inChunks(data, 7)))).rejects.toMatchObject({ code: "CorruptInput" });
    }
  });

  test("passes on the error of its source", async () => {
    const failure = new Error("source");
    const source = new Readable({ read() {} });
    source.push(members[0]);
    const stream = decompressed(key, source);
    source.destroy(failure);
    await expect(bytesOf(stream)).rejects.toBe(failure);
  });

  test("reads no more of its source than is consumed", async () => {
    const member = compress(Buffer.alloc(8 * 1024 * 1024));
    let sent = 0;
    const source = Readable.from(
      (function* () {
        for (; sent < 10_000; sent++) yield member;
      })(),
      { highWaterMark: 1 },
    );
    const stream = decompressed(key, source);
    let taken = 0;
    for await (const chunk of stream) {
      await new Promise((resolve) => void setTimeout(resolve, 5));
      if ((taken += chunk.length) > 2 * 1024 * 1024) break;
    }
    expect(sent * member.length).toBeLessThan(256 * 1024);
  });

  test("releases its source when it is released", async () => {
    const source = inChunks(compress(pattern(3_000_000)), 1000);
    const stream = decompressed(key, source);
    for await (const chunk of stream) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(source.destroyed).toBe(true);
  });
});

describe("zeros between and after gzip members", () => {
  const [one, two] = [gzipSync("one\n"), gzipSync("two\n")];

  test.each([1, 7, 512, 200_000])("are skipped: %d", async (count) => {
    const data = Buffer.concat([one, Buffer.alloc(count), two, one, Buffer.alloc(count)]);
    for (const size of [1, 3, one.length, one.length + 1, data.length].filter((each) => count < 1000 || each > 3)) {
      expect((await bytesOf(decompressed("a.gz", inChunks(data, size)))).toString(), `in pieces of ${size}`).toBe(
        "one\ntwo\none\n",
      );
    }
  });

  test.each([
    ["other bytes", Buffer.from("garbage!")],
    ["a cut-off member", two.subarray(0, -1)],
    ["the first byte of a member", two.subarray(0, 1)],
    ["a member of zstd", zstdCompressSync("two\n")],
  ])("do not excuse %s after them", async (_what, rest) => {
    const data = Buffer.concat([one, Buffer.alloc(512), rest]);
    for (const size of [1, one.length, data.length]) {
      await expect(bytesOf(decompressed("a.gz", inChunks(data, size)))).rejects.toMatchObject({ code: "CorruptInput" });
    }
  });

  test("are not a member by themselves", async () => {
    await expect(bytesOf(decompressed("a.gz", inChunks(Buffer.alloc(512), 100)))).rejects.toMatchObject({
      code: "CorruptInput",
    });
  });
});

const read = (stored: Buffer, size: number): Promise<Buffer> => bytesOf(decompressed("a.bz2", inChunks(stored, size)));

describe("bzip2", () => {
  const { one, two, empty, zeros, lines, bytes } = bzip2Fixtures;
  const several = [one, empty, two, bytes, lines, empty];
  const data = Buffer.concat(several.map(({ compressed }) => compressed));
  test("of several streams, however they are chunked", async () => {
    const content = Buffer.concat(several.map((each) => each.content));
    for (const size of [1, 2, 3, 7, 64, data.length]) expect((await read(data, size)).equals(content)).toBe(true);
  });

  test("of many blocks in few bytes", async () => {
    expect((await read(zeros.compressed, 10)).equals(zeros.content)).toBe(true);
  });

  test("cut off anywhere, or with a flipped bit, is an error", async () => {
    const stored = Buffer.concat([bytes.compressed, one.compressed]);
    const refused = { name: "StorageError", code: "CorruptInput", message: expect.stringMatching(/^a\.bz2: /) };
    for (let length = 0; length < stored.length; length++) {
      if (length === bytes.compressed.length) continue;
      await expect(read(stored.subarray(0, length), 100), `at ${length}`).rejects.toMatchObject(refused);
    }
    for (let bit = 0; bit < one.compressed.length * 8; bit++) {
      const damaged = Buffer.from(one.compressed);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const result = await read(damaged, 100).catch((error: unknown) => error);
      // Only the block size and the padding bits of the last byte may differ.
      if (Buffer.isBuffer(result)) expect(result, `bit ${bit}`).toEqual(one.content);
      else expect(result, `bit ${bit}`).toMatchObject(refused);
    }
  });

  test("of random bytes ends with an error", async () => {
    const head = bytes.compressed.subarray(0, 14);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 3000 }), async (random) => {
        await expect(read(Buffer.concat([head, random]), 500)).rejects.toMatchObject({ code: "CorruptInput" });
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  test.each([
    ["other bytes after it", Buffer.concat([one.compressed, Buffer.from("garbage!")])],
    ["zeros after it", Buffer.concat([one.compressed, Buffer.alloc(10)])],
    ["none of its own", Buffer.from("just text, not compressed")],
  ])("with %s is an error", async (_what, stored) => {
    await expect(read(stored, 7)).rejects.toMatchObject({ code: "CorruptInput" });
  });

  test("reads no more of its source than is consumed, and releases it", async () => {
    let sent = 0;
    const source = Readable.from(
      (function* () {
        for (; sent < 100_000; sent++) yield zeros.compressed;
      })(),
      { highWaterMark: 1 },
    );
    let taken = 0;
    for await (const chunk of decompressed("a.bz2", source)) if ((taken += chunk.length) > 2 * 1024 * 1024) break;
    expect(sent * zeros.compressed.length).toBeLessThan(256 * 1024);
    expect(source.destroyed).toBe(true);
  });
});

/** A binary format, recognized by the first bytes of a file. */
type Format = {
  /** The words that follow "begins like". */
  readonly name: string;
  /** The bytes that a file of this format starts with; `?` matches any byte. */
  readonly magic: string;
  /** @default 0 */
  readonly offset?: number;
  /**
   * What the first bytes must also contain, for formats whose magic can be the start of a text: words, letters, or the control
   * characters U+0001 to U+0008, which Hive puts between fields.
   */
  readonly holds?: string;
};

const nul = "\x00";

/** Sources: the formats' specifications and the magic database of file(1). Each character stands for the byte with its code. */
const formats: readonly Format[] = [
  { name: "a gzip file", magic: "\x1f\x8b\x08" },
  { name: "a zstd file", magic: "\x28\xb5\x2f\xfd" },
  { name: "a bzip2 file", magic: "BZh?1AY&SY", holds: nul },
  { name: "a bzip2 file", magic: "BZh?\x17rE8P\x90" },
  { name: "an xz file", magic: "\xfd7zXZ\x00" },
  { name: "an lzma file", magic: "\x5d\x00\x00" },
  { name: "an lzip file", magic: "LZIP\x01?\x00" },
  { name: "an lzop file", magic: "\x89LZO\x00\x0d\x0a\x1a\x0a" },
  { name: "an LZ4 file", magic: "\x04\x22\x4d\x18" },
  { name: "an LZ4 file", magic: "\x02\x21\x4c\x18" },
  { name: "a zstd or LZ4 file", magic: "?\x2a\x4d\x18" },
  { name: "a Snappy file", magic: "\xff\x06\x00\x00sNaPpY" },
  { name: "a file of compress (.Z)", magic: "\x1f\x9d" },
  { name: "a zip archive", magic: "PK\x03\x04", holds: nul },
  { name: "a zip archive", magic: "PK\x05\x06\x00" },
  { name: "a zip archive", magic: "PK\x07\x08PK\x03\x04" },
  { name: "a 7z archive", magic: "7z\xbc\xaf\x27\x1c" },
  { name: "a RAR archive", magic: "Rar!\x1a\x07" },
  { name: "a tar archive", magic: "ustar\x00", offset: 257 },
  { name: "a tar archive", magic: "ustar  \x00", offset: 257 },
  { name: "an ar archive", magic: "!<arch>\n" },
  { name: "a Parquet file", magic: "PAR1", holds: nul },
  { name: "an encrypted Parquet file", magic: "PARE", holds: nul },
  { name: "an ORC file", magic: "ORC", holds: nul },
  { name: "an Avro file", magic: "Obj\x01", holds: "avro." },
  { name: "an Arrow file", magic: "ARROW1\x00\x00" },
  { name: "a Hadoop SequenceFile", magic: "SEQ\x04", holds: nul },
  { name: "a Hadoop SequenceFile", magic: "SEQ\x05", holds: nul },
  { name: "a Hadoop SequenceFile", magic: "SEQ\x06", holds: nul },
  { name: "a Hive RCFile", magic: "RCF\x01", holds: nul },
  { name: "an HDF5 file", magic: "\x89HDF\x0d\x0a\x1a\x0a" },
  { name: "an SQLite database", magic: "SQLite format 3\x00" },
  { name: "an Office document before 2007", magic: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" },
  { name: "a PDF document", magic: "%PDF-1." },
  { name: "a PDF document", magic: "%PDF-2." },
  { name: "an ELF program", magic: "\x7fELF" },
  { name: "a Mach-O program", magic: "\xcf\xfa\xed\xfe" },
  { name: "a Mach-O program", magic: "\xfe\xed\xfa\xcf" },
  { name: "a Java class", magic: "\xca\xfe\xba\xbe" },
  { name: "a Windows program", magic: "MZ", holds: nul },
  { name: "a WebAssembly module", magic: "\x00asm" },
  { name: "a PNG image", magic: "\x89PNG\x0d\x0a\x1a\x0a" },
  { name: "a JPEG image", magic: "\xff\xd8\xff" },
  { name: "a GIF image", magic: "GIF8?a", holds: nul },
];

const utf16 = ["\xff\xfe", "\xfe\xff"];
const utf32 = ["\xff\xfe\x00\x00", "\x00\x00\xfe\xff"];

/** The number of bytes to inspect, from the beginning. */
export const headLength = 512;

/** Describes a file that starts with `head` and is not text: "begins like a zip archive". Undefined if it can be text. */
export const binaryFormat = (head: Uint8Array): string | undefined => {
  const begins = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, headLength)).toString("latin1");
  const format = formats.find(
    ({ magic, offset = 0, holds = "" }) => matches(begins.slice(offset), magic) && begins.includes(holds),
  );
  if (format !== undefined) return `begins like ${format.name}`;
  if (utf32.some((mark) => begins.startsWith(mark))) return "is text in UTF-32, not in UTF-8";
  return utf16.some((mark) => begins.startsWith(mark)) ? "is text in UTF-16, not in UTF-8" : undefined;
};

const matches = (text: string, magic: string): boolean =>
  text.length >= magic.length && Array.from(magic).every((byte, index) => byte === "?" || byte === text[index]);

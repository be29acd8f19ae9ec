import { crc32 } from "node:zlib";

/** An uncompressed entry of a zip archive. `mode` is the Unix mode including the file type: 0o100644 is a regular file. */
export type ZipEntry = { readonly name: string; readonly content?: string; readonly mode?: number };

/** A zip archive (APPNOTE.TXT 4.3); can be one that no tool would create. */
export const zipOf = (entries: readonly ZipEntry[]): Buffer => {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content = "", mode = 0o100644 } of entries) {
    const [path, data] = [Buffer.from(name), Buffer.from(content)];
    // Version 2.0, names in UTF-8, stored, no time; then the checksum, both sizes and the name's length.
    const about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(0x0800, 2);
    about.writeUInt32LE(crc32(data), 10);
    about.writeUInt32LE(data.length, 14);
    about.writeUInt32LE(data.length, 18);
    about.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004"), about, path, data]);
    // Made by Unix; its mode, and the offset of the entry.
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(mode * 0x10000, 6);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\u0001\u0002\u0014\u0003", "latin1"), about, rest, path);
    files.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(index.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...files, index, Buffer.from("PK\u0005\u0006"), end]);
};

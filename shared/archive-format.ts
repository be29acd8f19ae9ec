/** Archives, as their names and their first bytes tell them. */
export type ArchiveFormat = "tar.gz" | "tar" | "zip";

const names: readonly (readonly [RegExp, ArchiveFormat])[] = [
  [/\.(tar\.gz|tgz)$/i, "tar.gz"],
  [/\.tar$/i, "tar"],
  [/\.zip$/i, "zip"],
];

/** The format that a file's name stands for. */
export const formatNamed = (name: string): ArchiveFormat | undefined =>
  names.find(([pattern]) => pattern.test(name))?.[1];

/** Each format's bytes and their offset: RFC 1952 2.3.1; pax(1), "ustar Interchange Format"; APPNOTE.TXT 4.3.7, and 4.3.16 of an empty one. */
const magics: readonly (readonly [string, number, ArchiveFormat])[] = [
  ["\u001f\u008b", 0, "tar.gz"],
  ["ustar", 257, "tar"],
  ["PK\u0003\u0004", 0, "zip"],
  ["PK\u0005\u0006", 0, "zip"],
];

/** The format that a content begins as. @param start its first `inspectedBytes`, or all of a shorter one */
export const formatOf = (start: Uint8Array): ArchiveFormat | undefined =>
  magics.find(([magic, at]) => String.fromCharCode(...start.subarray(at, at + magic.length)) === magic)?.[2];

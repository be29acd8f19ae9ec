/** How compressed inputs are read: by their names' endings, or not at all. */
export const inputCompressions = ["auto", "none"] as const;
export type InputCompression = (typeof inputCompressions)[number];

/** What decompresses an object, by the end of its key, in any case. */
export const compressionSuffixes = { ".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2" } as const;
export type Compression = (typeof compressionSuffixes)[keyof typeof compressionSuffixes];

/** How an object of this key is compressed; undefined where it is not, or `wanted` says that its bytes are read as they are. */
export const compressionOf = (key: string, wanted: InputCompression = "auto"): Compression | undefined => {
  const name = key.toLowerCase();
  if (wanted === "none") return undefined;
  return Object.entries(compressionSuffixes).find(([suffix]) => name.endsWith(suffix))?.[1];
};

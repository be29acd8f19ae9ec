import { zstdDecompressSync } from "node:zlib";
import type { Block, BlockSource } from "./blocks.ts";
import { headerLength, zstd } from "./segment.ts";

/** Returns the payload length, in bytes, of the block whose header is at `at`. */
export function payloadLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) % zstd;
}

/** Returns a block whose header and payload are intact, decompressed. */
export function readBlock(stored: Buffer): Block {
  const records = stored.readUInt32LE(4);
  if (stored.readUInt32LE(0) < zstd) return { bytes: stored, records };
  const pieces = zstdDecompressSync(stored.subarray(headerLength));
  return { bytes: Buffer.concat([stored.subarray(0, headerLength), pieces]), records };
}

/** Returns the blocks of a segment in memory that is known to be intact. */
export function blocksOf(segment: Buffer): BlockSource {
  let at = 0;
  return () => {
    const length = payloadLength(segment, at);
    if (length === 0) return undefined;
    const stored = segment.subarray(at, at + headerLength + length);
    at += stored.length;
    return readBlock(stored);
  };
}

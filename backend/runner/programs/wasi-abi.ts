import type { ProgramMemory } from "./program-memory.ts";

/** What the functions of WASI preview 1 have in common (https://github.com/WebAssembly/WASI, "legacy/preview1"). */

/** Error numbers. */
export const errno = {
  success: 0,
  acces: 2,
  badf: 8,
  inval: 28,
  io: 29,
  isdir: 31,
  loop: 32,
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  nosys: 52,
  notdir: 54,
  rofs: 69,
  spipe: 70,
  notcapable: 76,
} as const;

/** Types of what a descriptor stands for. */
export const fileTypes = { unknown: 0, characterDevice: 2, directory: 3, regularFile: 4, symbolicLink: 7 } as const;
export type FileType = (typeof fileTypes)[keyof typeof fileTypes];

/** All numbers of a program come as numbers; see `Guard`. */
export type Call = (...parameters: number[]) => number | Promise<number>;
export type Calls = Readonly<Record<string, Call>>;

/** Stands for all functions that are not offered. */
export const notThere = (): number => errno.nosys;

export const putNumber = (memory: ProgramMemory, address: number, value: number): void =>
  void memory.bytes(address, 4).writeUInt32LE(value);

export const putLong = (memory: ProgramMemory, address: number, value: number | bigint): void =>
  void memory.bytes(address, 8).writeBigUInt64LE(BigInt(value));

/** Writes an `fdstat`, with all rights: what is not possible is refused when it is tried. */
export const putStatus = (memory: ProgramMemory, address: number, type: FileType): void => {
  const status = memory.bytes(address, 24).fill(0);
  status[0] = type;
  status.fill(0xff, 8);
};

/** The buffers that `count` pairs of address and length describe, at most 1024. */
export const buffersAt = (
  memory: ProgramMemory,
  vectors: number,
  count: number,
): { readonly address: number; readonly length: number }[] =>
  Array.from({ length: Math.min(count >>> 0, 1024) }, (_, index) => {
    const vector = memory.bytes(vectors + 8 * index, 8);
    return { address: vector.readUInt32LE(), length: vector.readUInt32LE(4) };
  });

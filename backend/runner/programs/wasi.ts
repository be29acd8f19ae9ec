import { randomFillSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProgramMemory } from "./program-memory.ts";

/**
 * The part of WASI that a program of standard streams needs (preview 1, https://github.com/WebAssembly/WASI, "legacy/preview1").
 * There are neither files nor sockets. `node:wasi` is not used: it says of itself that it is no sandbox.
 */

/** The module that programs import it from. */
export const wasiModule = "wasi_snapshot_preview1";

/** Error numbers. */
const errno = { success: 0, badf: 8, inval: 28, noent: 44, nosys: 52, spipe: 70 } as const;

const fileTypes = { unknown: 0, characterDevice: 2 } as const;
const clockSubscription = 0;

/** Bytes of the structures of `poll_oneoff`. */
const subscriptionBytes = 48;
const eventBytes = 32;

/** The program has called `proc_exit`. It is thrown through its functions. */
export class ProgramExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exited with code ${code}`);
    this.code = code;
  }
}

type Streams = {
  /** Fills `target` with the next bytes of the standard input. @returns how many; 0 at its end */
  read(target: () => Buffer): Promise<number> | number;
  /** Takes bytes of the standard output, which are valid until it returns or its promise resolves. */
  write(bytes: Buffer): Promise<void> | undefined;
  /** Takes bytes of the standard error. */
  report(bytes: Buffer): void;
};

type WasiOptions = {
  readonly memory: ProgramMemory;
  /** The name of the program, and its arguments. */
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly environment: readonly string[];
  readonly streams: Streams;
  readonly signal: AbortSignal;
};

/** Numbers of 64 bits come as bigints. */
type Call = (...parameters: number[]) => number | Promise<number>;

/** The functions that a program can import, by name. What is not here returns that it is not there. */
export const wasiCalls = ({
  memory,
  args,
  environment,
  streams,
  signal,
}: WasiOptions): Readonly<Record<string, Call>> => {
  const putNumber = (address: number, value: number): void => void memory.bytes(address, 4).writeUInt32LE(value);
  const putTexts = (texts: readonly string[], addresses: number, address: number): number => {
    let at = address;
    for (const [index, text] of texts.entries()) {
      putNumber(addresses + 4 * index, at);
      const bytes = Buffer.from(`${text}\0`);
      bytes.copy(memory.bytes(at, bytes.length));
      at += bytes.length;
    }
    return errno.success;
  };
  const putSizes = (texts: readonly string[], count: number, size: number): number => {
    putNumber(count, texts.length);
    putNumber(
      size,
      texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0),
    );
    return errno.success;
  };
  /** The buffers that `count` pairs of address and length describe. */
  const buffersAt = (vectors: number, count: number): { address: number; length: number }[] =>
    Array.from({ length: Math.min(count, 1024) }, (_, index) => {
      const vector = memory.bytes(vectors + 8 * index, 8);
      return { address: vector.readUInt32LE(), length: vector.readUInt32LE(4) };
    });
  return {
    args_get: (addresses, address) => putTexts(args, addresses, address),
    args_sizes_get: (count, size) => putSizes(args, count, size),
    environ_get: (addresses, address) => putTexts(environment, addresses, address),
    environ_sizes_get: (count, size) => putSizes(environment, count, size),
    // A millisecond is enough for programs, and too long to measure what others do.
    clock_res_get: (_clock, address) => {
      memory.bytes(address, 8).writeBigUInt64LE(1_000_000n);
      return errno.success;
    },
    clock_time_get: (clock, _precision, address) => {
      memory.bytes(address, 8).writeBigUInt64LE(BigInt(timeOf(clock)) * 1_000_000n);
      return errno.success;
    },
    random_get: (address, length) => {
      randomFillSync(memory.bytes(address, length));
      return errno.success;
    },
    proc_exit: (code) => {
      throw new ProgramExit(code >>> 0);
    },
    sched_yield: () => errno.success,
    fd_close: (descriptor) => (isStream(descriptor) ? errno.success : errno.badf),
    fd_fdstat_get: (descriptor, address) => {
      if (!isStream(descriptor)) return errno.badf;
      const stat = memory.bytes(address, 24).fill(0);
      stat[0] = fileTypes.characterDevice;
      // All rights.
      stat.fill(0xff, 8, 24);
      return errno.success;
    },
    fd_fdstat_set_flags: (descriptor) => (isStream(descriptor) ? errno.success : errno.badf),
    fd_filestat_get: (descriptor, address) => {
      if (!isStream(descriptor)) return errno.badf;
      memory.bytes(address, 64).fill(0)[16] = fileTypes.characterDevice;
      return errno.success;
    },
    fd_prestat_get: () => errno.badf,
    fd_prestat_dir_name: () => errno.badf,
    fd_seek: (descriptor) => (isStream(descriptor) ? errno.spipe : errno.badf),
    path_open: () => errno.noent,
    path_filestat_get: () => errno.noent,
    fd_read: async (descriptor, vectors, count, address) => {
      if (descriptor !== 0) return errno.badf;
      const first = buffersAt(vectors, count).find(({ length }) => length > 0);
      const length = first === undefined ? 0 : await streams.read(() => memory.bytes(first.address, first.length));
      putNumber(address, length);
      return errno.success;
    },
    fd_write: (descriptor, vectors, count, address) => {
      if (descriptor !== 1 && descriptor !== 2) return errno.badf;
      let written = 0;
      const buffers = buffersAt(vectors, count);
      if (descriptor === 2) {
        for (const buffer of buffers) {
          streams.report(memory.bytes(buffer.address, buffer.length));
          written += buffer.length;
        }
        putNumber(address, written);
        return errno.success;
      }
      const writing: Promise<void>[] = [];
      for (const buffer of buffers) {
        // A program may write less than it has: it writes the rest by the next call.
        if (writing.length > 0) break;
        const pending = streams.write(memory.bytes(buffer.address, buffer.length));
        written += buffer.length;
        if (pending !== undefined) writing.push(pending);
      }
      putNumber(address, written);
      return writing.length === 0 ? errno.success : Promise.all(writing).then(() => errno.success);
    },
    poll_oneoff: async (subscriptions, events, count, address) => {
      if (count === 0) return errno.inval;
      const all = memory.bytes(subscriptions, Math.min(count, 1024) * subscriptionBytes);
      const starts = Array.from({ length: all.length / subscriptionBytes }, (_, index) => index * subscriptionBytes);
      const clocks = starts.filter((at) => all[at + 8] === clockSubscription);
      const isWaiting = clocks.length === starts.length;
      const waits = clocks.map((at) => {
        const isAbsolute = all.readUInt16LE(at + 40) % 2 === 1;
        return Number(all.readBigUInt64LE(at + 24)) / 1e6 - (isAbsolute ? timeOf(all.readUInt32LE(at + 16)) : 0);
      });
      // Streams are always ready.
      if (isWaiting) await sleep(Math.max(0, Math.min(...waits)), undefined, { signal });
      const ready = isWaiting ? clocks.slice(0, 1) : starts.filter((at) => !clocks.includes(at));
      const asked = memory.bytes(subscriptions, all.length);
      for (const [index, at] of ready.entries()) {
        const event = memory.bytes(events + index * eventBytes, eventBytes).fill(0);
        asked.copy(event, 0, at, at + 8);
        event[10] = asked[at + 8] ?? 0;
      }
      putNumber(address, ready.length);
      return errno.success;
    },
  };
};

const isStream = (descriptor: number): boolean => descriptor >= 0 && descriptor <= 2;

/** Milliseconds of a clock: 0 is that of the day, all others only go on. */
const timeOf = (clock: number): number => (clock === 0 ? Date.now() : Math.floor(performance.now()));

/** Stands for all functions that are not offered. */
export const notThere = (): number => errno.nosys;

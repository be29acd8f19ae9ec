import { randomFillSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { wasiModule } from "../../../shared/wasm-contract.ts";
import type { WasmModule } from "../../../shared/wasm-module.ts";
import type { ProgramMemory } from "./program-memory.ts";

/**
 * The part of WASI that a program of standard streams needs (preview 1, https://github.com/WebAssembly/WASI, "legacy/preview1").
 * There are neither files nor sockets. `node:wasi` is not used: it says of itself that it is no sandbox.
 */

/** Error numbers. */
const errno = { success: 0, badf: 8, inval: 28, noent: 44, nosys: 52, spipe: 70 } as const;

/** The type of the streams. */
const characterDevice = 2;
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

/** All numbers of a program come as numbers; see `Guard`. */
type Call = (...parameters: number[]) => number | Promise<number>;

/** The functions that are offered, by name. */
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
      stat[0] = characterDevice;
      // All rights.
      stat.fill(0xff, 8, 24);
      return errno.success;
    },
    fd_fdstat_set_flags: (descriptor) => (isStream(descriptor) ? errno.success : errno.badf),
    fd_filestat_get: (descriptor, address) => {
      if (!isStream(descriptor)) return errno.badf;
      memory.bytes(address, 64).fill(0)[16] = characterDevice;
      return errno.success;
    },
    fd_prestat_get: () => errno.badf,
    fd_prestat_dir_name: () => errno.badf,
    fd_seek: (descriptor) => (isStream(descriptor) ? errno.spipe : errno.badf),
    path_open: () => errno.noent,
    path_filestat_get: () => errno.noent,
    fd_read: (descriptor, vectors, count, address) => {
      if (descriptor !== 0) return errno.badf;
      const end = (length: number): number => {
        putNumber(address, length);
        return errno.success;
      };
      const first = buffersAt(vectors, count).find(({ length }) => length > 0);
      if (first === undefined) return end(0);
      const read = streams.read(() => memory.bytes(first.address, first.length));
      return typeof read === "number" ? end(read) : read.then(end);
    },
    fd_write: (descriptor, vectors, count, address) => {
      if (descriptor !== 1 && descriptor !== 2) return errno.badf;
      let written = 0;
      let pending: Promise<void> | undefined;
      for (const buffer of buffersAt(vectors, count)) {
        const bytes = memory.bytes(buffer.address, buffer.length);
        if (descriptor === 2) streams.report(bytes);
        else pending = streams.write(bytes);
        written += buffer.length;
        // A program may write less than it has: it writes the rest by the next call.
        if (pending !== undefined) break;
      }
      putNumber(address, written);
      return pending === undefined ? errno.success : pending.then(() => errno.success);
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

/** The functions that a program imports, by name. */
export const importedCalls = (
  imports: WasmModule["imports"],
  calls: Readonly<Record<string, Call>>,
): (readonly [name: string, call: Call])[] =>
  imports.filter(({ module }) => module === wasiModule).map(({ name }) => [name, calls[name] ?? notThere]);

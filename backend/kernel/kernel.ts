import { readFileSync } from "node:fs";
import { z } from "zod";
import { aggregates, type Aggregate } from "../../shared/builtin-programs.ts";

/** A WebAssembly function of numbers. */
const NumericSchema = z.custom<(...parameters: number[]) => number>((value) => typeof value === "function");

/** One that returns an address, which WebAssembly passes as a signed number. */
const AddressSchema = NumericSchema.transform(
  (call) =>
    (...parameters: number[]): number =>
      call(...parameters) >>> 0,
);

const VariableSchema = z.instanceof(WebAssembly.Global).transform((global) => (): number => Number(global.value));

/** What `assembly/kernel.ts` exports. */
const ExportsSchema = z.object({
  reset: NumericSchema,
  add: AddressSchema,
  addLines: NumericSchema,
  fullness: NumericSchema,
  sort: NumericSchema,
  startPartition: NumericSchema,
  encode: AddressSchema,
  isComplete: NumericSchema,
  resetMerge: NumericSchema,
  setKeyRoom: NumericSchema,
  giveBlock: NumericSchema,
  startMerge: NumericSchema,
  resumeMerge: NumericSchema,
  merge: AddressSchema,
  packLines: AddressSchema,
  checksum: AddressSchema,
  scanPacked: AddressSchema,
  packedToLines: AddressSchema,
  findUnfitForLines: AddressSchema,
  isMalformed: VariableSchema,
  scannedRecords: VariableSchema,
  scannedBytes: VariableSchema,
  longestScanned: VariableSchema,
  countNewlines: NumericSchema,
  findLineEnds: NumericSchema,
  isAsciiText: VariableSchema,
  resetLines: NumericSchema,
  startLines: NumericSchema,
  writeLines: AddressSchema,
  endLines: AddressSchema,
  groupCount: NumericSchema,
  firstFree: VariableSchema,
  added: VariableSchema,
  encodedRecords: VariableSchema,
  missingBytes: VariableSchema,
  mergeBytes: VariableSchema,
  mergedRecords: VariableSchema,
  neededBytes: VariableSchema,
  wanted: VariableSchema,
  packedRecords: VariableSchema,
  packedBytes: VariableSchema,
  lineGroups: VariableSchema,
  missingLineBytes: VariableSchema,
  lineKey: VariableSchema,
  lineKeyLength: VariableSchema,
  lineValue: VariableSchema,
  lineValueLength: VariableSchema,
  failure: VariableSchema,
  setSeed: z.custom<(first: bigint, second: bigint) => void>((value) => typeof value === "function"),
});

/** The kernel's number of an aggregate, 0 for none. */
export const aggregateNumber = (aggregate: Aggregate | undefined): number =>
  aggregate === undefined ? 0 : 1 + aggregates.indexOf(aggregate);

const pageBytes = 64 * 1024;

/** Bytes behind the memory in use that the kernel may read. */
const slack = 64;

let compiled: WebAssembly.Module | undefined;

/** An instance of the kernel with its own memory. */
export class Kernel {
  readonly calls: z.infer<typeof ExportsSchema>;
  /** The first address that the kernel does not use for itself. */
  readonly firstFree: number;
  readonly #memory: WebAssembly.Memory;
  /** The memory. Obsolete after `reserve`. */
  bytes: Buffer;

  constructor() {
    compiled ??= new WebAssembly.Module(readFileSync(new URL("kernel.wasm", import.meta.url)));
    this.#memory = new WebAssembly.Memory({ initial: 1 });
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } });
    this.calls = ExportsSchema.parse(exports);
    this.firstFree = this.calls.firstFree();
    this.bytes = Buffer.from(this.#memory.buffer);
  }

  /** Chooses new random numbers for hash tables, so that nobody can choose keys that collide. */
  reseed(): void {
    const [first = 0n, second = 0n] = crypto.getRandomValues(new BigInt64Array(2));
    this.calls.setSeed(first, second);
  }

  /**
   * Makes sure that there are at least `length` bytes of memory; the system allocates them on first use.
   * @throws RangeError if the system does not have them
   */
  reserve(length: number): void {
    const missing = length + slack - this.bytes.length;
    if (missing <= 0) return;
    this.#memory.grow(Math.ceil(missing / pageBytes));
    this.bytes = Buffer.from(this.#memory.buffer);
  }
}

import type { Kernel } from "../../kernel/kernel.ts";
import type { Block, BlockSource } from "./blocks.ts";
import { recycleKernel, takeKernel } from "./kernels.ts";
import { blockLength, headerLength } from "./segment.ts";

/** What the kernel's `wanted` says, unless it is the number of a source. */
const isOver = -1;
const needsRoom = -3;

/** Regions of the memory start at multiples of this. */
const alignment = 16;

const aligned = (address: number): number => Math.ceil(address / alignment) * alignment;

/** Memory is allocated for blocks that are larger by this factor, because blocks differ a little. */
const headroom = 1.25;

/**
 * Merges sorted sources into one, and reads their first blocks at once. The merge is stable: the values of equal keys come in the order of their sources. The pieces
 * are passed on unchanged, however many values they have. After an error, every further call throws the same error.
 * @param kept bytes of memory that kernels may keep for the next task
 */
export const merged = (sources: readonly BlockSource[], kept: number): BlockSource => {
  const [first] = sources;
  if (first === undefined) return () => undefined;
  if (sources.length === 1) return first;
  const merge = new Merge(sources, kept);
  return () => merge.next();
};

/** A region of the kernel's memory. */
type Region = { readonly at: number; readonly length: number };

const nowhere: Region = { at: 0, length: 0 };

class Merge {
  readonly #sources: readonly BlockSource[];
  readonly #kernel: Kernel;
  readonly #kept: number;
  /** Where the block of each source lies. */
  readonly #windows: Region[];
  /** For the block being written. */
  #block: Region;
  /** For a copy of the longest key. */
  #keyRoom = nowhere;
  /** The first address that is not allocated. */
  #end: number;
  /** The records that were read and are not written yet. */
  #records = 0;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(sources: readonly BlockSource[], kept: number) {
    this.#sources = sources;
    this.#kept = kept;
    this.#kernel = takeKernel("much");
    const { calls, firstFree } = this.#kernel;
    this.#windows = sources.map(() => nowhere);
    this.#end = firstFree;
    const { at } = this.#allocate(calls.mergeBytes() * sources.length);
    this.#block = this.#allocate(2 * blockLength);
    calls.resetMerge(at, sources.length);
    for (const number of sources.keys()) this.#give(number);
    calls.startMerge();
  }

  next(): Block | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isOver) return undefined;
    try {
      return this.#merge();
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  #merge(): Block | undefined {
    const { calls } = this.#kernel;
    let start = this.#block.at + headerLength;
    let end = start;
    let records = 0;
    for (;;) {
      end = calls.merge(start, end, this.#block.at + this.#block.length, blockLength - headerLength);
      records += calls.mergedRecords();
      const wanted = calls.wanted();
      if (wanted >= 0) {
        this.#give(wanted);
        calls.resumeMerge();
      } else if (wanted === needsRoom && end === start) {
        this.#block = this.#allocate(headerLength + calls.neededBytes());
        start = this.#block.at + headerLength;
        end = start;
      } else {
        this.#records -= records;
        if (wanted === isOver) this.#finish();
        return records === 0 ? undefined : { bytes: this.#kernel.bytes.subarray(this.#block.at, end), records };
      }
    }
  }

  /** Gives a source its next block. */
  #give(number: number): void {
    const { calls } = this.#kernel;
    const block = this.#sources[number]?.();
    if (block === undefined) {
      calls.giveBlock(number, 0, 0);
      return;
    }
    const length = block.bytes.length - headerLength;
    let window = this.#windows[number] ?? nowhere;
    if (length > window.length) {
      window = this.#allocate(length * headroom);
      this.#windows[number] = window;
    }
    if (length > this.#keyRoom.length) {
      this.#keyRoom = this.#allocate(length * headroom);
      calls.setKeyRoom(this.#keyRoom.at);
    }
    block.bytes.copy(this.#kernel.bytes, window.at, headerLength);
    this.#records += block.records;
    calls.giveBlock(number, window.at, window.at + length);
  }

  #allocate(length: number): Region {
    const at = aligned(this.#end);
    const region = { at, length: aligned(length) };
    this.#end = at + region.length;
    this.#kernel.reserve(this.#end);
    return region;
  }

  #finish(): void {
    this.#isOver = true;
    if (this.#records !== 0) throw new Error(`the kernel merged ${this.#records} records too few`);
    recycleKernel(this.#kernel, this.#kept);
  }
}

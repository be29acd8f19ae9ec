import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { scan } from "../../kernel/scan.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { PackedTarget } from "../record-target.ts";
import { copyBytes } from "../shuffle/packed.ts";
import { type Sink, writeTo } from "../sink.ts";

const tab = 0x09;
const newline = 0x0a;

/** The sink receives about this many bytes at a time. */
const blockLength = 256 * 1024;

/**
 * Writes what a module emits as lines `key TAB value`, or just the key if the value is empty. Because `emit` cannot wait for the
 * sink, whatever a single call emits beyond one block goes to a local file until the call has returned.
 */
export class TextOutput implements PackedTarget {
  readonly #context: AttemptContext;
  readonly #sink: Sink;
  #block = Buffer.allocUnsafeSlow(blockLength);
  #used = 0;
  #spool: { readonly path: string; readonly file: number; length: number } | undefined;
  #records = 0;
  #written = 0;

  constructor(context: AttemptContext, sink: Sink) {
    this.#context = context;
    this.#sink = sink;
  }

  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const length = keyEnd - keyStart + valueEnd - valueStart;
    this.#reserve(length + 2);
    this.#records++;
    let at = copyBytes(bytes, keyStart, keyEnd, this.#block, this.#used);
    if (valueEnd > valueStart) {
      this.#block[at++] = tab;
      at = copyBytes(bytes, valueStart, valueEnd, this.#block, at);
    }
    this.#block[at++] = newline;
    this.#used = at;
  }

  addPacked(packed: Buffer, records: number): void {
    scan(packed, ({ calls, memory, from, to, room }) => {
      const end = calls.packedToLines(from, to, room);
      this.#reserve(end - room);
      this.#used += memory.copy(this.#block, this.#used, room, end);
    });
    this.#records += records;
  }

  relief(): Promise<void> | undefined {
    return this.#spool !== undefined || this.#used > blockLength / 2 ? this.#flush() : undefined;
  }

  /** Writes the rest and counts the output. */
  async end(): Promise<void> {
    await this.#flush();
    this.#context.counters.count("outputRecords", this.#records);
    this.#context.counters.count("outputBytes", this.#written);
  }

  #reserve(length: number): void {
    if (this.#used + length <= this.#block.length) return;
    if (this.#used > 0) this.#spoolBlock();
    if (length > this.#block.length) this.#block = Buffer.allocUnsafeSlow(length);
  }

  #spoolBlock(): void {
    if (this.#spool === undefined) {
      const path = join(this.#context.workDir, `output-${randomUUID()}`);
      this.#spool = { path, file: openSync(path, "wx+"), length: 0 };
    }
    const { file } = this.#spool;
    for (let at = 0; at < this.#used;) at += writeSync(file, this.#block, at, this.#used - at);
    this.#spool.length += this.#used;
    this.#used = 0;
  }

  async #flush(): Promise<void> {
    if (this.#spool !== undefined) {
      this.#spoolBlock();
      const { path, file, length } = this.#spool;
      this.#spool = undefined;
      try {
        for (let at = 0; at < length; at += this.#used) {
          this.#used = readSync(file, this.#block, 0, this.#block.length, at);
          if (this.#used === 0) throw new Error("the local file of the output ends too early");
          await this.#write();
        }
      } finally {
        closeSync(file);
        await rm(path);
      }
    } else if (this.#used > 0) {
      await this.#write();
    }
    this.#used = 0;
  }

  async #write(): Promise<void> {
    this.#written += this.#used;
    await writeTo(this.#sink, this.#block.subarray(0, this.#used), this.#context.signal);
  }
}

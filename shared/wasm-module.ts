/**
 * What a WebAssembly module imports and exports, read from its bytes (WebAssembly Core Specification 2.0, 5.5 "Modules"). The
 * Worker, which may not compile what it is given, reads the beginning of a module at upload; the runner reads it whole.
 */

/** The first bytes of every module, and of its version 1. */
const magic = [0x00, 0x61, 0x73, 0x6d];
const version = [0x01, 0x00, 0x00, 0x00];

export const isWasm = (start: Uint8Array): boolean => magic.every((byte, index) => start[index] === byte);

/** Codes of types. */
const functionType = 0x60;
const references: readonly number[] = [0x63, 0x64];

const externKinds = ["function", "table", "memory", "global", "tag"] as const;
type ExternKind = (typeof externKinds)[number];

type WasmImport = { readonly module: string; readonly name: string; readonly kind: ExternKind };
type WasmExport = { readonly name: string; readonly kind: ExternKind };

/** The limits of a memory, in pages of 64 KiB, or of a table, in entries. */
type Limits = {
  /** The type of a table's entries; undefined of a memory. */
  readonly entry: number | undefined;
  readonly flags: number;
  readonly minimum: number;
  readonly maximum: number | undefined;
};

/** A section with the limits of all memories or tables that the module defines itself. */
export type LimitsSection = {
  /** Where its length lies, and where it ends. */
  readonly lengthAt: number;
  readonly to: number;
  readonly limits: readonly Limits[];
};

export type WasmModule = {
  readonly imports: readonly WasmImport[];
  /** Undefined if the bytes end before the module has told of all of them. */
  readonly exports: readonly WasmExport[] | undefined;
  readonly tables: LimitsSection | undefined;
  readonly memories: LimitsSection | undefined;
  /** Whether it defines types that are not of functions: those of objects, which engines collect. */
  readonly hasObjects: boolean;
  /** Whether it defines exceptions of its own. */
  readonly hasExceptions: boolean;
};

const sectionIds = { types: 1, imports: 2, tables: 4, memories: 5, exports: 7, code: 10, exceptions: 13 } as const;

/** @throws Error that says what is wrong, as the rest of a sentence that begins with the module */
export const readWasm = (bytes: Uint8Array): WasmModule => {
  const reader = new ByteReader(bytes, 8);
  if (!isWasm(bytes) || !version.every((byte, index) => bytes[4 + index] === byte)) {
    throw new Error("is no WebAssembly module of version 1 (a component must be built as a core module)");
  }
  let imports: WasmImport[] = [];
  let exports: WasmExport[] | undefined;
  let tables: LimitsSection | undefined;
  let memories: LimitsSection | undefined;
  let hasObjects = false;
  let hasExceptions = false;
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const lengthAt = reader.at;
    const length = reader.number();
    const to = reader.at + length;
    // What comes from here on says nothing of the interface.
    if (id === sectionIds.code) exports ??= [];
    if (id === sectionIds.code || to > bytes.length) break;
    if (id === sectionIds.types) hasObjects = !readFunctionTypes(reader);
    if (id === sectionIds.exceptions) hasExceptions = true;
    if (id === sectionIds.imports) imports = reader.list(() => readImport(reader));
    if (id === sectionIds.tables) tables = { lengthAt, to, limits: reader.list(() => readTable(reader)) };
    if (id === sectionIds.memories) memories = { lengthAt, to, limits: reader.list(() => readLimits(reader)) };
    if (id === sectionIds.exports) exports = reader.list(() => readExport(reader));
    reader.at = to;
  }
  if (reader.at >= bytes.length) exports ??= [];
  return { imports, exports, tables, memories, hasObjects, hasExceptions };
};

const readImport = (reader: ByteReader): WasmImport => {
  const [module, name] = [reader.name(), reader.name()];
  const kind = reader.kind();
  if (kind === "function") reader.number();
  else if (kind === "table") readTable(reader);
  else if (kind === "memory") readLimits(reader);
  else if (kind === "global") reader.at += 2;
  else {
    reader.byte();
    reader.number();
  }
  return { module, name, kind };
};

const readExport = (reader: ByteReader): WasmExport => {
  const name = reader.name();
  const kind = reader.kind();
  reader.number();
  return { name, kind };
};

/** @returns false at the first type that is not of a function */
const readFunctionTypes = (reader: ByteReader): boolean => {
  for (let left = reader.number(); left > 0; left--) {
    if (reader.byte() !== functionType) return false;
    for (const _ of ["parameters", "results"]) reader.list(() => readValueType(reader));
  }
  return true;
};

const readValueType = (reader: ByteReader): void => {
  // A reference is followed by what it refers to.
  if (references.includes(reader.byte())) reader.number();
};

const readTable = (reader: ByteReader): Limits => {
  const entry = reader.byte();
  return { ...readLimits(reader), entry };
};

const readLimits = (reader: ByteReader): Limits => {
  const flags = reader.byte();
  const minimum = reader.number();
  const maximum = flags % 2 === 1 ? reader.number() : undefined;
  return { entry: undefined, flags, minimum, maximum };
};

class ByteReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Error("ends in the middle of a section");
    return byte;
  }

  /** Reads an unsigned number (LEB128) of up to 64 bits, of which the first 53 count. */
  number(): number {
    let value = 0;
    for (let factor = 1, length = 0; length < 10; factor *= 128, length++) {
      const byte = this.byte();
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
    throw new Error("has a number that is too long");
  }

  name(): string {
    const length = this.number();
    const bytes = this.#bytes.subarray(this.at, this.at + length);
    if (bytes.length < length) throw new Error("ends in the middle of a name");
    this.at += length;
    return new TextDecoder().decode(bytes);
  }

  kind(): ExternKind {
    const kind = externKinds[this.byte()];
    if (kind === undefined) throw new Error("has an import or export of an unknown kind");
    return kind;
  }

  list<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.number(); left > 0; left--) items.push(read());
    return items;
  }
}

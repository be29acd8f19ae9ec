/**
 * What a WebAssembly module imports and exports, read from its bytes (WebAssembly Core Specification 2.0, 5.5 "Modules"). The
 * Worker, which may not compile what it is given, reads the beginning of a module at upload; the runner reads it whole.
 */

/** The first bytes of every module, and of its version 1. */
const magic = [0x00, 0x61, 0x73, 0x6d];
const version = [0x01, 0x00, 0x00, 0x00];

export const isWasm = (start: Uint8Array): boolean => magic.every((byte, index) => start[index] === byte);

const externKinds = ["function", "table", "memory", "global", "tag"] as const;
type ExternKind = (typeof externKinds)[number];

type WasmImport = { readonly module: string; readonly name: string; readonly kind: ExternKind };
type WasmExport = { readonly name: string; readonly kind: ExternKind };

/** The limits of a memory, in pages of 64 KiB. */
type WasmMemory = {
  readonly flags: number;
  readonly minimum: number;
  readonly maximum: number | undefined;
};

export type WasmModule = {
  readonly imports: readonly WasmImport[];
  /** Undefined if the bytes end before the module has told of all of them. */
  readonly exports: readonly WasmExport[] | undefined;
  /** Those that it defines itself. */
  readonly memories: readonly WasmMemory[];
  /** Where the length of the section with its memories lies, and where the section ends. */
  readonly memorySection: { readonly lengthAt: number; readonly to: number } | undefined;
};

const sectionIds = { imports: 2, memories: 5, exports: 7, code: 10 } as const;

/** @throws Error that says what is wrong, as the rest of a sentence that begins with the module */
export const readWasm = (bytes: Uint8Array): WasmModule => {
  const reader = new ByteReader(bytes, 8);
  if (!isWasm(bytes) || !version.every((byte, index) => bytes[4 + index] === byte)) {
    throw new Error("is no WebAssembly module of version 1 (a component must be built as a core module)");
  }
  let imports: WasmImport[] = [];
  let exports: WasmExport[] | undefined;
  let memories: WasmMemory[] = [];
  let memorySection: WasmModule["memorySection"];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const lengthAt = reader.at;
    const length = reader.number();
    const to = reader.at + length;
    // What comes from here on says nothing of the interface.
    if (id === sectionIds.code) exports ??= [];
    if (id === sectionIds.code || to > bytes.length) break;
    if (id === sectionIds.imports) imports = reader.list(() => readImport(reader));
    if (id === sectionIds.memories) {
      memories = reader.list(() => readLimits(reader));
      memorySection = { lengthAt, to };
    }
    if (id === sectionIds.exports) exports = reader.list(() => readExport(reader));
    reader.at = to;
  }
  if (reader.at >= bytes.length) exports ??= [];
  return { imports, exports, memories, memorySection };
};

const readImport = (reader: ByteReader): WasmImport => {
  const [module, name] = [reader.name(), reader.name()];
  const kind = reader.kind();
  if (kind === "function") reader.number();
  else if (kind === "table") {
    reader.byte();
    readLimits(reader);
  } else if (kind === "memory") readLimits(reader);
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

const readLimits = (reader: ByteReader): WasmMemory => {
  const flags = reader.byte();
  const minimum = reader.number();
  const maximum = flags % 2 === 1 ? reader.number() : undefined;
  return { flags, minimum, maximum };
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

/**
 * Returns the module with a maximum for each of its memories.
 * @param bytes the module, of which `readWasm` has told the rest
 * @param most pages of 64 KiB
 * @throws Error for a module that needs more at its start, as the rest of a sentence that begins with the module
 */
export const limitMemory = (
  bytes: Uint8Array,
  { memories, memorySection }: WasmModule,
  most: number,
): Uint8Array<ArrayBuffer> => {
  if (memorySection === undefined) return Uint8Array.from(bytes);
  const parts = [leb128(memories.length)];
  for (const { flags, minimum, maximum = most } of memories) {
    if (minimum > most) throw new Error(`needs ${minimum} pages of 64 KiB to begin with, more than the limit, ${most}`);
    parts.push([flags | 1], leb128(minimum), leb128(Math.min(maximum, most)));
  }
  const section = parts.flat();
  const { lengthAt, to } = memorySection;
  const length = leb128(section.length);
  const rest = bytes.subarray(to);
  const limited = new Uint8Array(lengthAt + length.length + section.length + rest.length);
  limited.set(bytes.subarray(0, lengthAt));
  limited.set(length, lengthAt);
  limited.set(section, lengthAt + length.length);
  limited.set(rest, lengthAt + length.length + section.length);
  return limited;
};

const leb128 = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...leb128(Math.floor(value / 128))];

import type { LimitsSection, WasmModule } from "./wasm-module.ts";

/** Maximum entries of all tables of a module. V8 takes some 60 bytes for each, which no limit of a memory counts. */
const mostEntries = 256 * 1024;

/**
 * Returns the module with a maximum for its memory and each of its tables.
 * @param bytes the module, of which `readWasm` has told the rest
 * @param pages the most of its memory, each of 64 KiB
 * @throws Error for a module that needs more at its start, as the rest of a sentence that begins with the module
 */
export const limitModule = (
  bytes: Uint8Array,
  { tables, memories }: Pick<WasmModule, "tables" | "memories">,
  pages: number,
): Uint8Array<ArrayBuffer> => {
  const parts: Uint8Array[] = [];
  let at = 0;
  const replace = ({ lengthAt, to }: LimitsSection, content: readonly number[]): void => {
    parts.push(bytes.subarray(at, lengthAt), Uint8Array.from([...leb128(content.length), ...content]));
    at = to;
  };
  // In the order of sections.
  if (tables !== undefined) {
    const cure = "is the most that Edgefold offers";
    replace(
      tables,
      limited(tables, mostEntries, (needed) => `has tables of ${needed} entries, ${mostEntries} ${cure}`),
    );
  }
  if (memories !== undefined) {
    const cure = `more than the limit, ${pages}: raise the job's wasmMemory`;
    replace(
      memories,
      limited(memories, pages, (needed) => `needs ${needed} pages of 64 KiB to begin with, ${cure}`),
    );
  }
  parts.push(bytes.subarray(at));
  return joined(parts);
};

/** The section's content, with maxima that have `most` as their sum. */
const limited = ({ limits }: LimitsSection, most: number, problem: (needed: number) => string): number[] => {
  const needed = limits.reduce((sum, { minimum }) => sum + minimum, 0);
  if (needed > most) throw new Error(problem(needed));
  const more = Math.floor((most - needed) / limits.length);
  const all = limits.map(({ entry, flags, minimum, maximum = most }) => [
    ...(entry === undefined ? [] : [entry]),
    flags | 1,
    ...leb128(minimum),
    ...leb128(Math.min(maximum, minimum + more)),
  ]);
  return [...leb128(limits.length), ...all.flat()];
};

const leb128 = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...leb128(Math.floor(value / 128))];

const joined = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

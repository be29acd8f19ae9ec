import * as fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { scan } from "../../../backend/kernel/scan.ts";
import { PackedReader } from "../../../backend/runner/programs/packed-reader.ts";
import { Arena } from "../../../backend/runner/shuffle/arena.ts";
import type { Block, BlockSource } from "../../../backend/runner/shuffle/blocks.ts";
import { merged } from "../../../backend/runner/shuffle/merge.ts";
import { maxVarint, putVarint } from "../../../backend/runner/shuffle/packed.ts";
import { aggregates, type Aggregate } from "../../../shared/builtin-programs.ts";
import { forExecutables, textBatches } from "../../../backend/runner/shuffle/text-batches.ts";
import { aggregatedLines, anyRecords, numericRecords, readTexts, type Record, sortedTexts } from "./records.ts";

/** What the kernel promises, each as a property of random records. `npm test` tries some, `npm run test:kernel` many. */

/** Memory in which all records fit. */
const ample = 64 * 1024 * 1024;

const fail = (what: string): never => {
  throw new Error(what);
};

/** @throws Error unless the two are equal; they are too long to be shown */
const expectSame = (found: unknown, wanted: unknown, what: string): void => {
  if (!isDeepStrictEqual(found, wanted)) fail(`${what} differ from the model`);
};

type Arranging = { readonly partitions: number; readonly memory: number; readonly keysRepeat?: boolean };

/** Adds records to an arena. @returns the records of each partition, of each spill and finally of the memory, as text */
export const arrange = (
  records: readonly Record[],
  { partitions, memory, keysRepeat = false }: Arranging,
): string[][][] => {
  const spills: string[][][] = [];
  const spill = (sorted: Iterable<BlockSource>): void => void spills.push(Array.from(sorted, readTexts));
  const arena = new Arena({ memory, kept: ample, partitions, keysRepeat, spill });
  try {
    for (const record of records) addTo(arena, record);
    arena.flush();
    return [...spills, Array.from(arena.sorted(), readTexts)];
  } finally {
    arena.dispose();
  }
};

const addTo = (arena: Arena, { key, value }: Record): void => {
  // Both in one buffer, surrounded by other bytes.
  const bytes = Buffer.concat([Buffer.from("<"), key, Buffer.from("|"), value, Buffer.from(">")]);
  const keyEnd = 1 + key.length;
  arena.add(bytes, 1, keyEnd, keyEnd + 1, bytes.length - 1);
};

/** @throws Error unless each part has the records that were added after those of the part before, in the right order */
export const expectInOrder = (parts: readonly string[][][], records: readonly Record[]): void => {
  let from = 0;
  for (const part of parts) {
    const count = part.reduce((sum, partition) => sum + partition.length, 0);
    expectSame(part, sortedTexts(records.slice(from, from + count), part.length), "the records of a part");
    from += count;
  }
  if (from !== records.length) fail(`there are ${from} records, not ${records.length}`);
};

function* copiesOf(source: BlockSource): Generator<Block> {
  for (let block = source(); block !== undefined; block = source()) {
    yield { bytes: Buffer.from(block.bytes), records: block.records };
  }
}

/** Returns the blocks of an arena that has only one partition, copied. */
const blocksOf = (records: readonly Record[], keysRepeat: boolean): BlockSource => {
  const arena = new Arena({
    memory: ample,
    kept: ample,
    partitions: 1,
    keysRepeat,
    spill: () => fail("the arena is full"),
  });
  try {
    for (const record of records) addTo(arena, record);
    arena.flush();
    const blocks: Block[] = [];
    for (const source of arena.sorted()) {
      blocks.push(...copiesOf(source));
    }
    return () => blocks.shift();
  } finally {
    arena.dispose();
  }
};

const line = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\t"), maxLength: 6 }),
  fc.string({ unit: fc.constantFrom("a", "\t", "é"), maxLength: 300 }),
  fc.nat(40_000).map((length) => `${"x".repeat(length)}\tvalue`),
);

const recordOf = (text: string): Record => {
  const tab = text.indexOf("\t");
  const [key, value] = tab === -1 ? [text, ""] : [text.slice(0, tab), text.slice(tab + 1)];
  return { key: Buffer.from(key), value: Buffer.from(value) };
};

/** Returns what an arena makes of records with an aggregate: the blocks of each spill, and finally of the memory. */
const aggregated = (records: readonly Record[], aggregate: Aggregate, memory: number): BlockSource[] => {
  const runs: BlockSource[] = [];
  const keep = (sorted: Iterable<BlockSource>): void => {
    for (const blocks of sorted) {
      const copies = [...copiesOf(blocks)];
      runs.push(() => copies.shift());
    }
  };
  const arena = new Arena({ memory, kept: ample, partitions: 1, aggregate, spill: keep });
  try {
    for (const record of records) addTo(arena, record);
    arena.flush();
    keep(arena.sorted());
    return runs;
  } finally {
    arena.dispose();
  }
};

const pack = (records: readonly Record[]): Buffer =>
  Buffer.concat(
    records.flatMap(({ key, value }) =>
      [key, value].flatMap((part) => {
        const length = Buffer.alloc(maxVarint);
        return [length.subarray(0, putVarint(length, 0, part.length)), part];
      }),
    ),
  );

/** Reads packed records as those of a program. @returns those that it took before it threw, and whether it did */
const readProgram = (packed: Buffer): { taken: Buffer; lines: string; threw: boolean } => {
  const taken: Buffer[] = [];
  let lines = "";
  const take = (records: Buffer): void => void taken.push(Buffer.from(records));
  const reader = new PackedReader(
    {
      add: (bytes, keyStart, keyEnd, valueStart, valueEnd) => {
        const record = { key: bytes.subarray(keyStart, keyEnd), value: bytes.subarray(valueStart, valueEnd) };
        take(pack([record]));
        lines += lineOf(record);
      },
      addPacked: (records) => {
        take(records);
        scan(records, ({ calls, memory, from, to, room }) => {
          lines += memory.toString("latin1", room, calls.packedToLines(from, to, room));
        });
      },
      relief: () => undefined,
    },
    { recordLimit: ample, outputLimit: Infinity },
  );
  let threw = false;
  try {
    reader.push(packed);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    threw = true;
  }
  return { taken: Buffer.concat(taken), lines, threw };
};

const lineOf = ({ key, value }: Record): string =>
  `${key.toString("latin1")}${value.length > 0 ? `\t${value.toString("latin1")}` : ""}\n`;

/** The parameters of a property do not matter to whoever tries it. */
type Property = fc.IRawProperty<unknown>;

const all = {
  "an arena sorts by partition and key, with the values of a key in order": fc.asyncProperty(
    anyRecords(),
    fc.integer({ min: 1, max: 7 }),
    fc.boolean(),
    async (records, partitions, keysRepeat) => {
      const inMemory = [sortedTexts(records, partitions)];
      expectSame(arrange(records, { partitions, memory: ample, keysRepeat }), inMemory, "the records");
    },
  ),

  "an arena spills what does not fit, in order": fc.asyncProperty(
    anyRecords(50),
    fc.integer({ min: 1, max: 100_000 }),
    fc.boolean(),
    async (records, memory, keysRepeat) => {
      expectInOrder(arrange(records, { partitions: 3, memory, keysRepeat }), records);
    },
  ),

  "a merge has the records of all its sources, those of earlier ones first": fc.asyncProperty(
    fc.array(anyRecords(), { maxLength: 6, size: "max" }),
    fc.boolean(),
    async (sources, keysRepeat) => {
      const sorted = merged(
        sources.map((records) => blocksOf(records, keysRepeat)),
        ample,
      );
      expectSame(readTexts(sorted), sortedTexts(sources.flat(), 1)[0], "the merged records");
    },
  ),

  "aggregates of several maps, spilled or not, come to those of all values": fc.asyncProperty(
    fc.constantFrom(...aggregates),
    fc.array(fc.tuple(numericRecords(), anyRecords(), fc.integer({ min: 1, max: 300_000 })), {
      maxLength: 4,
      size: "max",
    }),
    async (aggregate, maps) => {
      const isOfAny = aggregate === "count" || aggregate === "first" || aggregate === "uniq";
      const inputs = maps.map(([numbers, any, memory]) => ({ records: isOfAny ? any : numbers, memory }));
      const sorted = merged(
        inputs.flatMap(({ records, memory }) => aggregated(records, aggregate, memory)),
        ample,
      );
      const wanted = aggregatedLines(
        inputs.flatMap(({ records }) => records),
        aggregate,
      );
      let text = "";
      const counts = { records: 0, groups: 0 };
      for await (const batch of textBatches(sorted, { tabs: false, aggregate }, ample, counts)) {
        text += batch.toString("latin1");
      }
      expectSame(text, wanted.join(""), `the lines of ${aggregate}`);
      expectSame(counts.groups, wanted.length, "the number of keys");
    },
  ),

  "packed records of a program are taken as they are, and nothing else": fc.asyncProperty(
    anyRecords(),
    fc.nat(),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
    async (records, cut, lies) => {
      const packed = pack(records);
      const whole = readProgram(packed);
      expectSame(whole, { taken: packed, lines: records.map(lineOf).join(""), threw: false }, "the packed records");
      const part = Buffer.from(packed.subarray(0, cut % (packed.length + 1)));
      for (const [at, byte] of lies) if (part.length > 0) part[at % part.length] = byte;
      // Whatever it is: what was taken are whole records, and what was not is none.
      const { taken, threw } = readProgram(part);
      expectSame(taken, part.subarray(0, taken.length), "the bytes taken");
      expectSame(readProgram(taken), { ...readProgram(taken), taken, threw: false }, "the records taken");
      if (!threw) expectSame(taken.length, part.length, "the bytes taken of all");
    },
  ),

  "lines become records, and these lines again": fc.asyncProperty(
    fc.array(line, { maxLength: 300, size: "max" }),
    fc.integer({ min: 1, max: 200_000 }),
    async (lines, memory) => {
      const wanted = lines.map(recordOf);
      const spills: string[][][] = [];
      const spill = (sorted: Iterable<BlockSource>): void => void spills.push(Array.from(sorted, readTexts));
      const arena = new Arena({ memory, kept: ample, partitions: 1, spill });
      const text = Buffer.from(lines.map((each) => `${each}\n`).join(""));
      for (let start = 0, record = 0; start < text.length;) {
        const { end, records } = arena.addLines(text, start, Infinity);
        record += records;
        if (end > start) start = end;
        else {
          // A long line is left to the caller.
          addTo(arena, wanted[record++] ?? fail("there is a line too many"));
          start = text.indexOf("\n", start) + 1;
        }
      }
      arena.flush();
      expectInOrder([...spills, Array.from(arena.sorted(), readTexts)], wanted);
      arena.dispose();
      let again = "";
      const counts = { records: 0, groups: 0 };
      for await (const batch of textBatches(blocksOf(wanted, false), forExecutables, ample, counts))
        again += batch.toString();
      const sorted = wanted.toSorted((a, b) => Buffer.compare(a.key, b.key));
      expectSame(
        again,
        sorted.map(({ key, value }) => `${key.toString()}\t${value.toString()}\n`).join(""),
        "the lines",
      );
      expectSame(
        counts,
        { records: wanted.length, groups: new Set(wanted.map(({ key }) => key.toString())).size },
        "counts",
      );
    },
  ),
};

export const properties: [name: string, property: Property][] = Object.entries(all);

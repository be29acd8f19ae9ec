import { z } from "zod";
import { rowsOf } from "../../platform/sql.ts";
import type { MapOutput, SegmentRef } from "../../../shared/protocol/tasks.ts";

/**
 * Partitions whose offsets lie together: a reduce reads so many of each map, however many there are. With fewer it reads less,
 * and a map writes more rows: each is written once, and read by as many reduces.
 */
const chunkSize = 32;

/** Bytes of an offset: a float64 holds every whole number up to 2^53. */
const offsetBytes = 8;

const PathSchema = z.object({ path: z.string() });
const LengthSchema = z.object({ length: z.int() });
const PageSchema = z.object({ rows: z.int(), last: z.int().nullable(), outputs: z.string() });
const OffsetsSchema = z.object({ offsets: z.string().nullable() });

/** Characters of the paths in one answer, about, so that it stays far below what a message may have. */
const maxPathText = 1024 * 1024;

/** Where the output of a map is. */
type Output = Pick<SegmentRef, "map" | "attempt" | "path" | "largestBlock">;

/** The outputs of maps that follow each other. */
type OutputPage = { readonly outputs: readonly Output[]; readonly next: number | null };

/**
 * The index of the shuffle: table `segment`. It is cut by partition, so that what a reduce reads does not grow with the number
 * of reduces. The first chunk of each map says where the map's output is, too.
 */
export class SegmentTable {
  readonly #sql: SqlStorage;
  /** The page of outputs that was read last: all reduces read the same ones. */
  #page: (OutputPage & { readonly from: number; readonly limit: number }) | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Drops what is kept in memory. */
  forget(): void {
    this.#page = undefined;
  }

  /** Stores where a map's output has the segment of each partition, in place of an earlier output of that map. */
  save(map: number, attempt: string, { path, lengths, largestBlock }: MapOutput): void {
    this.forget();
    let offset = 0;
    for (let first = 0; first < lengths.length; first += chunkSize) {
      const some = lengths.slice(first, first + chunkSize);
      // One more than there are segments: segment r of the chunk is [offsets[r], offsets[r + 1]).
      const offsets = new DataView(new ArrayBuffer((some.length + 1) * offsetBytes));
      offsets.setFloat64(0, offset);
      for (const [r, length] of some.entries()) {
        offset += length;
        offsets.setFloat64((r + 1) * offsetBytes, offset);
      }
      this.#sql.exec(
        "INSERT OR REPLACE INTO segment (chunk, map, output, offsets) VALUES (?, ?, ?, ?)",
        first / chunkSize,
        map,
        first === 0 ? JSON.stringify([attempt, path, largestBlock]) : null,
        offsets.buffer,
      );
    }
  }

  /** Forgets a map's output. @param partitions how many the job has */
  remove(map: number, partitions: number): void {
    this.forget();
    for (let chunk = 0; chunk * chunkSize < partitions; chunk++) {
      this.#sql.exec("DELETE FROM segment WHERE chunk = ? AND map = ?", chunk, map);
    }
  }

  /**
   * The segments of a partition in the outputs of at most `limit` maps from `from` on, in order, without empty ones.
   * @param ahead how many of the next partitions count as `ahead`, as far as their offsets lie together
   * @returns besides, the map to go on with; null after the last one
   */
  read(partition: number, from: number, limit: number, ahead = 0): { segments: SegmentRef[]; next: number | null } {
    const { outputs, next } = this.#outputs(from, limit);
    // One row, as handing over one of each map takes several times as long.
    const query = `SELECT group_concat(hex(substr(offsets, ?, ?)), '') AS offsets
      FROM (SELECT offsets FROM segment WHERE chunk = ? AND map >= ? ORDER BY map LIMIT ?)`;
    const place = (partition % chunkSize) * offsetBytes + 1;
    const chunk = Math.floor(partition / chunkSize);
    const bytes = (2 + ahead) * offsetBytes;
    const [found] = rowsOf(this.#sql, OffsetsSchema, query, place, bytes, chunk, from, outputs.length);
    const offsets = new DataView(Uint8Array.fromHex(found?.offsets ?? "").buffer);
    // The last chunk, and the end of each, have fewer.
    const each = outputs.length === 0 ? 0 : offsets.byteLength / offsetBytes / outputs.length;
    const segments = outputs.map((output, i) => {
      const offsetOf = (r: number): number => offsets.getFloat64((i * each + r) * offsetBytes);
      const [offset, end] = [offsetOf(0), offsetOf(1)];
      return { ...output, offset, length: end - offset, ahead: ahead === 0 ? undefined : offsetOf(each - 1) - end };
    });
    return { segments: segments.filter(({ length }) => length > 0), next };
  }

  /** Forgets all outputs: they are made again. */
  removeAll(): void {
    this.forget();
    this.#sql.exec("DELETE FROM segment");
  }

  /** Forgets all outputs but one, which tells the folder that they were in. */
  clear(): void {
    this.forget();
    this.#sql.exec("DELETE FROM segment WHERE chunk > 0 OR map > (SELECT min(map) FROM segment WHERE chunk = 0)");
    this.#sql.exec("UPDATE segment SET offsets = x''");
  }

  /** The path of the first map output that there is; undefined while there is none. */
  firstPath(): string | undefined {
    const query = "SELECT output ->> '$[1]' AS path FROM segment WHERE chunk = 0 ORDER BY map LIMIT 1";
    return rowsOf(this.#sql, PathSchema, query)[0]?.path;
  }

  #outputs(from: number, limit: number): OutputPage {
    if (this.#page?.from !== from || this.#page.limit !== limit) {
      this.#page = { from, limit, ...this.#readOutputs(from, limit) };
    }
    return this.#page;
  }

  #readOutputs(from: number, limit: number): OutputPage {
    const maps = Math.min(limit, Math.ceil(maxPathText / this.#pathLength(from)));
    const query = `SELECT count(*) AS rows, max(map) AS last, json_group_array(json_array(map, json(output))) AS outputs
      FROM (SELECT map, output FROM segment WHERE chunk = 0 AND map >= ? ORDER BY map LIMIT ?)`;
    const [page] = rowsOf(this.#sql, PageSchema, query, from, maps);
    if (page === undefined || page.last === null) return { outputs: [], next: null };
    // Not parsed by a schema: these are our own rows, and there may be 100,000 of them.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query has made it so
    const found = JSON.parse(page.outputs) as [number, [string, string, number]][];
    const outputs = found.map(([map, [attempt, path, largestBlock]]) => ({ map, attempt, path, largestBlock }));
    return { outputs, next: page.rows < maps ? null : page.last + 1 };
  }

  /** The length of the next map's path: all have the same folder. */
  #pathLength(from: number): number {
    const query = `SELECT length(output ->> '$[1]') AS length FROM segment
      WHERE chunk = 0 AND map >= ? ORDER BY map LIMIT 1`;
    return rowsOf(this.#sql, LengthSchema, query, from)[0]?.length ?? 1;
  }
}

import { z } from "zod";
import { rowsOf } from "../../platform/sql.ts";
import type { MapOutput, SegmentRef } from "../../../shared/protocol/tasks.ts";

/**
 * Partitions whose offsets lie together: a reduce reads so many of each map, however many there are. A row of 64 fits SQLite's
 * page; with more it would be spread over two, and reading it take twice as long.
 */
const chunkSize = 64;

/** Bytes of an offset: a float64 holds every whole number up to 2^53. */
const offsetBytes = 8;

const PathSchema = z.object({ path: z.string() });
const LengthSchema = z.object({ length: z.int() });

/** Characters of the paths in one answer, about, so that it stays far below what a message may have. */
const maxPathText = 1024 * 1024;

/**
 * The index of the shuffle: table `segment`. It is cut by partition, so that what a reduce reads does not grow with the number
 * of reduces.
 */
export class SegmentTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Stores where a map's output has the segment of each partition, in place of an earlier output of that map. */
  save(map: number, attempt: string, { path, lengths, largestBlock }: MapOutput): void {
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
        "INSERT OR REPLACE INTO segment (chunk, map, attempt, path, largest_block, offsets) VALUES (?, ?, ?, ?, ?, ?)",
        first / chunkSize,
        map,
        attempt,
        path,
        largestBlock,
        offsets.buffer,
      );
    }
  }

  /** Forgets a map's output. @param partitions how many the job has */
  remove(map: number, partitions: number): void {
    for (let chunk = 0; chunk * chunkSize < partitions; chunk++) {
      this.#sql.exec("DELETE FROM segment WHERE chunk = ? AND map = ?", chunk, map);
    }
  }

  /**
   * The segments of a partition in the outputs of at most `limit` maps from `from` on, in order, without empty ones.
   * @returns besides, the map to go on with; null after the last one
   */
  read(partition: number, from: number, limit: number): { segments: SegmentRef[]; next: number | null } {
    const chunk = Math.floor(partition / chunkSize);
    const place = (partition % chunkSize) * offsetBytes + 1;
    const maps = Math.min(limit, Math.ceil(maxPathText / this.#pathLength(chunk, from)));
    // One row, as handing over one of each map takes several times as long.
    const { rows, last, refs, ranges } = this.#sql
      .exec<PageRow>(
        `SELECT count(*) AS rows, max(map) AS last,
           json_group_array(json_array(map, attempt, path, largest_block)) FILTER (WHERE has_bytes) AS refs,
           group_concat(hex(range), '') FILTER (WHERE has_bytes) AS ranges
         FROM (
           SELECT map, attempt, path, largest_block, substr(offsets, ?1, 2 * ?2) AS range,
             substr(offsets, ?1, ?2) != substr(offsets, ?1 + ?2, ?2) AS has_bytes
           FROM segment WHERE chunk = ?3 AND map >= ?4 ORDER BY map LIMIT ?5)`,
        place,
        offsetBytes,
        chunk,
        from,
        maps,
      )
      .one();
    const offsets = new DataView(Uint8Array.fromHex(ranges ?? "").buffer);
    // Not parsed by a schema: these are our own rows, and there may be 100,000 of them for each reduce.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query has made it so
    const found = JSON.parse(refs) as [number, string, string, number][];
    const segments = found.map(([map, attempt, path, largestBlock], i) => {
      const offset = offsets.getFloat64(2 * i * offsetBytes);
      return {
        map,
        attempt,
        path,
        offset,
        length: offsets.getFloat64((2 * i + 1) * offsetBytes) - offset,
        largestBlock,
      };
    });
    return { segments, next: rows < maps || last === null ? null : last + 1 };
  }

  /** The length of the next map's path: all have the same folder. */
  #pathLength(chunk: number, from: number): number {
    const query = "SELECT length(path) AS length FROM segment WHERE chunk = ? AND map >= ? ORDER BY map LIMIT 1";
    return rowsOf(this.#sql, LengthSchema, query, chunk, from)[0]?.length ?? 1;
  }

  /** Forgets all outputs but one, which tells the folder that they were in. */
  clear(): void {
    const [kept] = this.#sql.exec("SELECT map, attempt, path FROM segment LIMIT 1").toArray();
    this.#sql.exec("DELETE FROM segment");
    if (kept === undefined) return;
    const insert =
      "INSERT INTO segment (chunk, map, attempt, path, largest_block, offsets) VALUES (0, ?, ?, ?, 0, x'')";
    this.#sql.exec(insert, kept["map"], kept["attempt"], kept["path"]);
  }

  /** The path of any map output; undefined while there is none. */
  anyPath(): string | undefined {
    return rowsOf(this.#sql, PathSchema, "SELECT path FROM segment LIMIT 1")[0]?.path;
  }
}

type PageRow = { rows: number; last: number | null; refs: string; ranges: string | null };

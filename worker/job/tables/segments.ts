import { z } from "zod";
import { rowsOf } from "../../platform/sql.ts";
import type { MapOutput, SegmentRef } from "../../../shared/protocol/tasks.ts";

/** Partitions whose offsets lie together: a reduce reads so many of each map, however many there are. */
const chunkSize = 128;

/** Bytes of an offset: a float64 holds every whole number up to 2^53. */
const offsetBytes = 8;

const PathSchema = z.object({ path: z.string() });

/** Characters of the paths in one answer, so that it stays far below what a message may have. */
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
    const segments: SegmentRef[] = [];
    const place = (partition % chunkSize) * offsetBytes;
    let text = 0;
    let rows = 0;
    const found = this.#sql
      .exec<Row>(
        `SELECT map, attempt, path, largest_block, substr(offsets, ?, ?) AS range FROM segment
         WHERE chunk = ? AND map >= ? ORDER BY map LIMIT ?`,
        place + 1,
        2 * offsetBytes,
        Math.floor(partition / chunkSize),
        from,
        limit + 1,
      )
      .raw<[number, string, string, number, ArrayBuffer]>();
    // Not parsed by a schema: these are our own rows, and there may be 100,000 of them for each reduce.
    for (const [map, attempt, path, largestBlock, range] of found) {
      if (rows === limit || text > maxPathText) return { segments, next: map };
      rows++;
      const view = new DataView(range);
      const offset = view.getFloat64(0);
      const length = view.getFloat64(offsetBytes) - offset;
      if (length === 0) continue;
      text += path.length;
      segments.push({ map, attempt, path, offset, length, largestBlock });
    }
    return { segments, next: null };
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

type Row = { map: number; attempt: string; path: string; largest_block: number; range: ArrayBuffer };

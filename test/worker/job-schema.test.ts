import { env, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { jobSchema } from "../../worker/job/schema.ts";
import { SegmentTable } from "../../worker/job/tables/segments.ts";
import { migrate } from "../../worker/platform/migrations.ts";

const maps = 3;
const partitions = 300;

/** The length of a segment. */
const lengthOf = (map: number, partition: number): number => (partition % 7) * (map + 1);

/** An index in the format of release 0.1.0: a float64 for each offset. */
const indexOf = (map: number): ArrayBuffer => {
  const view = new DataView(new ArrayBuffer((partitions + 1) * 8));
  let offset = 0;
  for (let r = 0; r <= partitions; offset += lengthOf(map, r), r++) view.setFloat64(r * 8, offset);
  return view.buffer;
};

/** Runs a test on tables of release 0.1.0 after migration to today's schema. An additional last map has failed. */
const onMigrated = async (released: boolean, run: (sql: SqlStorage) => void): Promise<void> =>
  await runInDurableObject(env.JOBS.getByName(crypto.randomUUID()), (_, { storage }) => {
    const { sql } = storage;
    migrate(storage, { ...jobSchema, migrations: jobSchema.migrations.slice(0, 1) });
    const row = JSON.stringify({ nReducers: partitions, released });
    sql.exec("INSERT INTO job (id, spec, row, input_bytes) VALUES (1, '{}', ?, 0)", row);
    for (let map = 0; map <= maps; map++) {
      sql.exec(
        `INSERT INTO task (kind, idx, status, not_before, winner, row, output, segments)
         VALUES ('map', ?, ?, 0, ?, '{}', ?, ?)`,
        map,
        map < maps ? "completed" : "failed",
        `winner-${map}`,
        JSON.stringify({ path: `path-${map}`, largestBlock: 9 }),
        indexOf(map),
      );
    }
    migrate(storage, jobSchema);
    run(sql);
  });

it("the index of release 0.1.0 is split by partition without changing its content", async () => {
  await onMigrated(false, (sql) => {
    const table = new SegmentTable(sql);
    for (const partition of [0, 1, 127, 128, 255, 256, 299]) {
      const expected = Array.from({ length: maps }, (_, map) => ({
        map,
        attempt: `winner-${map}`,
        path: `path-${map}`,
        offset: new DataView(indexOf(map)).getFloat64(partition * 8),
        length: lengthOf(map, partition),
        largestBlock: 9,
      })).filter(({ length }) => length > 0);
      expect(table.read(partition, 0, 100)).toEqual({ segments: expected, next: null });
    }
  });
});

it("the index of a released job is dropped, except for one path that shows its folder", async () => {
  await onMigrated(true, (sql) => {
    expect(sql.exec("SELECT count(*) AS rows FROM segment").one()).toEqual({ rows: 1 });
    expect(new SegmentTable(sql).firstPath()).toBe("path-0");
  });
});

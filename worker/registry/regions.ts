import { z } from "zod";
import { RegionSchema, type Region } from "../location.ts";
import { rowsOf } from "../platform/sql.ts";

/** Where the clusters' agents have connected from last. Owns the table `region`. */

/** Notes where a cluster's agent connects from. */
export const saveRegion = (sql: SqlStorage, cluster: string, region: Region): void => {
  sql.exec(
    "INSERT INTO region (cluster, region) VALUES (?, ?) ON CONFLICT (cluster) DO UPDATE SET region = excluded.region",
    cluster,
    region,
  );
};

/** Where a cluster is; null where no agent has told. */
export const findRegion = (sql: SqlStorage, cluster: string): Region | null =>
  rowsOf(sql, z.object({ region: RegionSchema }), "SELECT region FROM region WHERE cluster = ?", cluster)[0]?.region ??
  null;

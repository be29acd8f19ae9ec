import { z } from "zod";
import { ProgramTypeSchema } from "../../shared/api/artifacts.ts";
import { placementFields, type PlacementField } from "../../shared/api/placements.ts";
import { programRoles, type ProgramRole } from "../../shared/protocol/tasks.ts";
import type { PinRole, Pins } from "../contracts.ts";
import type { PinnedArtifact, PinnedProgram } from "../job/spec.ts";
import { rowsOf } from "../platform/sql.ts";
import { contentColumns, contentFields } from "./content.ts";
import { discardUnused } from "./garbage.ts";

/** Pins: contents that a job holds, whatever happens to their names. Owns the table `pin`. */

const KeyRowSchema = z.object({ key: z.string() });
const ContentSchema = z.object(contentFields);
const ProgramSchema = ContentSchema.extend({ type: ProgramTypeSchema });
const PinRowSchema = ContentSchema.extend({
  role: z.union([z.enum(programRoles), z.templateLiteral([z.enum(placementFields), ".", z.int().nonnegative()])]),
});

/** Has a job hold an artifact. */
export const pin = (sql: SqlStorage, jobId: string, role: PinRole, artifact: PinnedArtifact): void => {
  const { name, type, size, hash, key } = artifact;
  const insert = "INSERT INTO pin (job_id, role, name, type, size, hash, key) VALUES (?, ?, ?, ?, ?, ?, ?)";
  sql.exec(insert, jobId, role, name, type, size, hash, key);
};

/** What a job holds. @throws Error where it has no mapper: it is unknown, or has ended */
export const pinsOf = (sql: SqlStorage, jobId: string): Pins => {
  const rows = rowsOf(sql, PinRowSchema, `SELECT role, ${contentColumns} FROM pin WHERE job_id = ?`, jobId);
  const pins = new Map<PinRole, (typeof rows)[number]>(rows.map((row) => [row.role, row]));
  const programOf = (role: ProgramRole): PinnedProgram | undefined => {
    const found = pins.get(role);
    return found && ProgramSchema.parse(found);
  };
  const placed = (field: PlacementField): PinnedArtifact[] => {
    const found: PinnedArtifact[] = [];
    for (let row = pins.get(`${field}.0`); row !== undefined; row = pins.get(`${field}.${found.length}`)) {
      found.push(ContentSchema.parse(row));
    }
    return found;
  };
  const mapper = programOf("mapper");
  if (mapper === undefined) throw new Error(`job ${jobId} has no pinned mapper`);
  const programs = { mapper, reducer: programOf("reducer"), combiner: programOf("combiner") };
  return { programs, files: placed("files"), archives: placed("archives") };
};

/** Lets go of a job's artifacts, and discards the contents that only it has held. */
export const unpin = (sql: SqlStorage, jobId: string, now: number): void => {
  const keys = rowsOf(sql, KeyRowSchema, "DELETE FROM pin WHERE job_id = ? RETURNING key", jobId);
  for (const { key } of keys) discardUnused(sql, key, now);
};

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

/** Has a job hold an artifact, besides those that it holds already. */
export const pin = (sql: SqlStorage, jobId: string, role: PinRole, artifact: PinnedArtifact): void => {
  const { name, type, size, hash, key } = artifact;
  const insert = "INSERT OR IGNORE INTO pin (job_id, role, name, type, size, hash, key) VALUES (?, ?, ?, ?, ?, ?, ?)";
  sql.exec(insert, jobId, role, name, type, size, hash, key);
};

/** Artifacts by what a job needs them for. */
export const pinsAmong = (uses: readonly { readonly role: PinRole; readonly artifact: PinnedArtifact }[]): Pins => {
  const byRole = new Map<PinRole, PinnedArtifact>(uses.map(({ role, artifact }) => [role, artifact]));
  const programOf = (role: ProgramRole): PinnedProgram | undefined => {
    const found = byRole.get(role);
    return found && ProgramSchema.parse(found);
  };
  const placed = (field: PlacementField): PinnedArtifact[] => {
    const found: PinnedArtifact[] = [];
    for (let next = byRole.get(`${field}.0`); next !== undefined; next = byRole.get(`${field}.${found.length}`)) {
      found.push(next);
    }
    return found;
  };
  const programs = Object.fromEntries(
    programRoles.flatMap((role) => {
      const program = programOf(role);
      return program === undefined ? [] : [[role, program]];
    }),
  );
  return { programs, files: placed("files"), archives: placed("archives") };
};

/** What a job holds: nothing if it is unknown, has ended, or needs no artifacts. */
export const pinsOf = (sql: SqlStorage, jobId: string): Pins => {
  const rows = rowsOf(sql, PinRowSchema, `SELECT role, ${contentColumns} FROM pin WHERE job_id = ?`, jobId);
  return pinsAmong(rows.map(({ role, ...artifact }) => ({ role, artifact })));
};

/** Lets go of a job's artifacts, and discards the contents that only it has held. */
export const unpin = (sql: SqlStorage, jobId: string, now: number): void => {
  const keys = rowsOf(sql, KeyRowSchema, "DELETE FROM pin WHERE job_id = ? RETURNING key", jobId);
  for (const { key } of keys) discardUnused(sql, key, now);
};

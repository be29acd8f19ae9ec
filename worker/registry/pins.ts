import { z } from "zod";
import { ProgramRoleSchema, type ProgramRole } from "../../shared/protocol/tasks.ts";
import type { PinnedProgram, PinnedPrograms } from "../job/spec.ts";
import { rowsOf } from "../platform/sql.ts";
import { contentColumns, contentFields } from "./content.ts";
import { discardUnused } from "./garbage.ts";

/** Pins: contents that a job holds, whatever happens to their names. Owns the table `pin`. */

const KeyRowSchema = z.object({ key: z.string() });
const PinRowSchema = z.object({ role: ProgramRoleSchema, ...contentFields });

/** Has a job hold a program. */
export const pin = (sql: SqlStorage, jobId: string, role: ProgramRole, program: PinnedProgram): void => {
  const { name, type, size, hash, key } = program;
  const insert = "INSERT INTO pin (job_id, role, name, type, size, hash, key) VALUES (?, ?, ?, ?, ?, ?, ?)";
  sql.exec(insert, jobId, role, name, type, size, hash, key);
};

/** The programs that a job holds. @throws Error where it has no mapper: it is unknown, or has ended */
export const pinsOf = (sql: SqlStorage, jobId: string): PinnedPrograms => {
  const pins = rowsOf(sql, PinRowSchema, `SELECT role, ${contentColumns} FROM pin WHERE job_id = ?`, jobId);
  const pinOf = (wanted: ProgramRole): PinnedProgram | undefined => {
    const found = pins.find(({ role }) => role === wanted);
    if (found === undefined) return undefined;
    const { role: _, ...program } = found;
    return program;
  };
  const mapper = pinOf("mapper");
  if (mapper === undefined) throw new Error(`job ${jobId} has no pinned mapper`);
  return { mapper, reducer: pinOf("reducer"), combiner: pinOf("combiner") };
};

/** Lets go of a job's programs, and discards the contents that only it has held. */
export const unpin = (sql: SqlStorage, jobId: string, now: number): void => {
  const keys = rowsOf(sql, KeyRowSchema, "DELETE FROM pin WHERE job_id = ? RETURNING key", jobId);
  for (const { key } of keys) discardUnused(sql, key, now);
};

import { z } from "zod";
import { programRoles, ProgramRoleSchema, type ProgramRole } from "../../shared/protocol/tasks.ts";
import type { ProgramNames } from "../contracts.ts";
import type { PinnedProgram, PinnedPrograms } from "../job/spec.ts";
import { rowsOf } from "../platform/sql.ts";
import { findArtifact } from "./artifacts.ts";
import { contentColumns, contentFields } from "./content.ts";
import { discardUnused } from "./garbage.ts";

/** Pins: contents that a job holds, whatever happens to their names. Owns the table `pin`. */

const KeyRowSchema = z.object({ key: z.string() });
const PinRowSchema = z.object({ role: ProgramRoleSchema, ...contentFields });

/** What artifacts of these names hold now. @returns the roles whose names no artifact has, where there are such */
export const findPrograms = (sql: SqlStorage, names: ProgramNames): Partial<PinnedPrograms> | ProgramRole[] => {
  const found = programRoles.flatMap((role) => {
    const name = names[role];
    return name === undefined ? [] : [{ role, program: findArtifact(sql, name) }];
  });
  const unknown = found.flatMap(({ role, program }) => (program === null ? [role] : []));
  if (unknown.length > 0) return unknown;
  return Object.fromEntries(found.map(({ role, program }) => [role, program ?? undefined]));
};

/** Has a job hold programs, besides those that it holds already. */
export const pinAll = (sql: SqlStorage, jobId: string, programs: Partial<PinnedPrograms>): void => {
  const insert = "INSERT OR IGNORE INTO pin (job_id, role, name, type, size, hash, key) VALUES (?, ?, ?, ?, ?, ?, ?)";
  for (const role of programRoles) {
    const program = programs[role];
    if (program === undefined) continue;
    const { name, type, size, hash, key } = program;
    sql.exec(insert, jobId, role, name, type, size, hash, key);
  }
};

/** Pins what artifacts of these names hold now for a job that is kept in the list and has pins still. */
export const pinAgain = (
  sql: SqlStorage,
  jobId: string,
  names: ProgramNames,
): Partial<PinnedPrograms> | ProgramRole[] => {
  const programs = findPrograms(sql, names);
  if (!Array.isArray(programs) && sql.exec("SELECT 1 FROM pin WHERE job_id = ?", jobId).toArray().length > 0) {
    pinAll(sql, jobId, programs);
  }
  return programs;
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

import { rowsOf } from "../platform/sql.ts";
import { programRoles, type ProgramRole } from "../../shared/protocol/tasks.ts";
import type { PinnedProgram, PinnedPrograms } from "../job/spec.ts";
import { contentColumns, ContentRowSchema, IdempotencyRowSchema, JobRowSchema, PinRowSchema } from "./schema.ts";

/** Milliseconds in which a job's object must come into being, before the job is dropped. */
const reservationTime = 60_000;

/** Milliseconds for which an Idempotency-Key is remembered. */
const idempotencyTime = 24 * 60 * 60 * 1000;

export type ReservationRequest = {
  readonly id: string;
  readonly createdAt: number;
  /** The artifacts' names by what they are for. */
  readonly names: { readonly [R in ProgramRole]?: string };
  /** `fingerprints` are the same for the same request; the first one is kept, the others may have been earlier. */
  readonly idempotency?: { readonly key: string; readonly fingerprints: readonly string[] };
};

export type Reservation =
  /** The programs are pinned; the job's object must be created with these, soon. */
  | { readonly kind: "reserved"; readonly id: string; readonly createdAt: number; readonly programs: PinnedPrograms }
  /** The request was served before, and its job exists. */
  | { readonly kind: "exists"; readonly id: string }
  /** The key was used for another request. */
  | { readonly kind: "conflict" }
  /** No artifacts have the names of these. */
  | { readonly kind: "unknown"; readonly roles: ProgramRole[] };

const pinsOf = (sql: SqlStorage, jobId: string): PinnedPrograms => {
  const pins = rowsOf(sql, PinRowSchema, `SELECT role, ${contentColumns} FROM pin WHERE job_id = ?`, jobId);
  const pinOf = (wanted: ProgramRole): PinnedProgram | undefined => {
    const pin = pins.find(({ role }) => role === wanted);
    if (pin === undefined) return undefined;
    const { role: _, ...program } = pin;
    return program;
  };
  const mapper = pinOf("mapper");
  if (mapper === undefined) throw new Error(`job ${jobId} has no pinned mapper`);
  return { mapper, reducer: pinOf("reducer"), combiner: pinOf("combiner") };
};

const repeated = (sql: SqlStorage, jobId: string, now: number): Reservation => {
  const [job] = rowsOf(sql, JobRowSchema, "SELECT * FROM job WHERE id = ?", jobId);
  if (job === undefined || job.reserved_until === null) return { kind: "exists", id: jobId };
  sql.exec("UPDATE job SET reserved_until = ? WHERE id = ?", now + reservationTime, jobId);
  return { kind: "reserved", id: jobId, createdAt: job.created_at, programs: pinsOf(sql, jobId) };
};

/** Resolves a job's programs and pins them, or answers with what an earlier request of the same key came to. */
export const reserveJob = (sql: SqlStorage, request: ReservationRequest, now: number): Reservation => {
  const { id, createdAt, names, idempotency } = request;
  if (idempotency !== undefined) {
    const query = "SELECT fingerprint, job_id FROM idempotency WHERE key = ? AND expires > ?";
    const [earlier] = rowsOf(sql, IdempotencyRowSchema, query, idempotency.key, now);
    if (earlier !== undefined) {
      return idempotency.fingerprints.includes(earlier.fingerprint)
        ? repeated(sql, earlier.job_id, now)
        : { kind: "conflict" };
    }
  }
  const roles = programRoles.filter((role) => names[role] !== undefined);
  const programs = roles.map((role) => {
    const query = `SELECT ${contentColumns} FROM artifact WHERE name = ?`;
    return { role, program: rowsOf(sql, ContentRowSchema, query, names[role] ?? "")[0] };
  });
  const unknown = programs.flatMap(({ role, program }) => (program === undefined ? [role] : []));
  if (unknown.length > 0) return { kind: "unknown", roles: unknown };

  const reservedUntil = now + reservationTime;
  sql.exec("INSERT INTO job (id, created_at, reserved_until) VALUES (?, ?, ?)", id, createdAt, reservedUntil);
  for (const { role, program } of programs) {
    if (program === undefined) continue;
    const { name, type, size, hash, key } = program;
    const insert = "INSERT INTO pin (job_id, role, name, type, size, hash, key) VALUES (?, ?, ?, ?, ?, ?, ?)";
    sql.exec(insert, id, role, name, type, size, hash, key);
  }
  if (idempotency !== undefined) {
    const upsert = `INSERT INTO idempotency (key, fingerprint, job_id, expires) VALUES (?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, job_id = excluded.job_id, expires = excluded.expires`;
    sql.exec(upsert, idempotency.key, idempotency.fingerprints[0] ?? "", id, now + idempotencyTime);
  }
  return { kind: "reserved", id, createdAt, programs: pinsOf(sql, id) };
};

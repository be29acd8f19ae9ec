import { z } from "zod";
import { programRoles, type ProgramRole } from "../../shared/protocol/tasks.ts";
import type { PinnedPrograms } from "../job/spec.ts";
import { rowsOf } from "../platform/sql.ts";
import { findArtifact } from "./artifacts.ts";
import { earliest } from "./due.ts";
import { findKey, keepKey } from "./idempotency.ts";
import { forgetJob } from "./jobs.ts";
import { pin, pinsOf } from "./pins.ts";

/** Reservations: jobs whose programs are pinned, and whose objects are about to be created. */

/** Milliseconds in which a job's object must be created, before the job is dropped. */
const reservationTime = 60_000;

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

const ReservedRowSchema = z.object({ created_at: z.int(), reserved_until: z.int().nullable() });

/** Answers a request that was made before. */
const repeatReservation = (sql: SqlStorage, id: string, now: number): Reservation => {
  const [job] = rowsOf(sql, ReservedRowSchema, "SELECT created_at, reserved_until FROM job WHERE id = ?", id);
  if (job === undefined || job.reserved_until === null) return { kind: "exists", id };
  sql.exec("UPDATE job SET reserved_until = ? WHERE id = ?", now + reservationTime, id);
  return { kind: "reserved", id, createdAt: job.created_at, programs: pinsOf(sql, id) };
};

/** Resolves a job's programs and pins them, or answers with what an earlier request of the same key came to. */
export const reserveJob = (sql: SqlStorage, request: ReservationRequest, now: number): Reservation => {
  const { id, createdAt, names, idempotency } = request;
  if (idempotency !== undefined) {
    const earlier = findKey(sql, idempotency.key, now);
    if (earlier !== undefined) {
      return idempotency.fingerprints.includes(earlier.fingerprint)
        ? repeatReservation(sql, earlier.job_id, now)
        : { kind: "conflict" };
    }
  }
  const programs = programRoles.flatMap((role) => {
    const name = names[role];
    return name === undefined ? [] : [{ role, program: findArtifact(sql, name) }];
  });
  const unknown = programs.flatMap(({ role, program }) => (program === null ? [role] : []));
  if (unknown.length > 0) return { kind: "unknown", roles: unknown };

  const reservedUntil = now + reservationTime;
  sql.exec("INSERT INTO job (id, created_at, reserved_until) VALUES (?, ?, ?)", id, createdAt, reservedUntil);
  for (const { role, program } of programs) if (program !== null) pin(sql, id, role, program);
  if (idempotency !== undefined) keepKey(sql, idempotency.key, idempotency.fingerprints[0] ?? "", id, now);
  return { kind: "reserved", id, createdAt, programs: pinsOf(sql, id) };
};

/** Drops the jobs whose objects were not created in time. */
export const dropReservations = (sql: SqlStorage, now: number): void => {
  const query = "SELECT id FROM job WHERE reserved_until <= ?";
  for (const { id } of rowsOf(sql, z.object({ id: z.string() }), query, now)) forgetJob(sql, id, now);
};

/** When the next reservation runs out, in ms since 1970. */
export const nextReservation = (sql: SqlStorage): number | undefined =>
  earliest(sql, "SELECT min(reserved_until) AS due FROM job WHERE reserved_until IS NOT NULL");

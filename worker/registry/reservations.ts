import { z } from "zod";
import type { Reservation, ReservationRequest } from "../contracts.ts";
import { rowsOf } from "../platform/sql.ts";
import { earliest } from "./due.ts";
import { findKey, keepKey } from "./idempotency.ts";
import { countOpenJobs, forgetJob, noteExistence } from "./jobs.ts";
import { pinsOf } from "./pins.ts";
import { findRegion } from "./regions.ts";
import { findUses, pinUses } from "./uses.ts";

/**
 * Reservations: jobs whose artifacts are pinned, and whose objects are about to be created. A call that creates an object can be
 * slow, and its answer can be lost, so time alone does not tell that a job will never be: the object refuses to be created late,
 * and is asked for afterwards.
 */

/** Milliseconds in which a job's object can be created. */
const creationTime = 60_000;

/** Milliseconds after which the object is asked for: more than clocks of two objects differ by. */
const reservationTime = 2 * creationTime;

/** Most jobs of one cluster that have not ended. The cluster's object and its agent hold all of them in memory. */
const maxClusterJobs = 1000;

/** Reservations that are settled at once. */
const batch = 50;

const IdRowSchema = z.object({ id: z.string() });
const ReservedRowSchema = z.object({ created_at: z.int(), reserved_until: z.int().nullable() });

/** Answers a request that was made before. */
const repeatReservation = (sql: SqlStorage, { cluster }: ReservationRequest, id: string, now: number): Reservation => {
  const [job] = rowsOf(sql, ReservedRowSchema, "SELECT created_at, reserved_until FROM job WHERE id = ?", id);
  if (job === undefined || job.reserved_until === null) return { kind: "exists", id };
  sql.exec("UPDATE job SET reserved_until = ? WHERE id = ?", now + reservationTime, id);
  const createBefore = now + creationTime;
  const region = findRegion(sql, cluster);
  return { kind: "reserved", id, createdAt: job.created_at, createBefore, region, ...pinsOf(sql, id) };
};

/** Resolves a job's artifacts and pins them, or answers with what an earlier request of the same key came to. */
export const reserveJob = (sql: SqlStorage, request: ReservationRequest, now: number): Reservation => {
  const { id, createdAt, cluster, names, idempotency } = request;
  if (idempotency !== undefined) {
    const earlier = findKey(sql, idempotency, now);
    if (earlier !== undefined) {
      return idempotency.fingerprints.includes(earlier.fingerprint)
        ? repeatReservation(sql, request, earlier.job_id, now)
        : { kind: "conflict" };
    }
  }
  const found = findUses(sql, names);
  if (found.kind !== "found") return found;
  if (countOpenJobs(sql, cluster) >= maxClusterJobs) return { kind: "full", limit: maxClusterJobs };

  const reservedUntil = now + reservationTime;
  sql.exec(
    "INSERT INTO job (id, created_at, cluster, reserved_until) VALUES (?, ?, ?, ?)",
    id,
    createdAt,
    cluster,
    reservedUntil,
  );
  pinUses(sql, id, found.uses);
  if (idempotency !== undefined) keepKey(sql, idempotency, idempotency.fingerprints[0] ?? "", id, now);
  const region = findRegion(sql, cluster);
  return { kind: "reserved", id, createdAt, createBefore: now + creationTime, region, ...pinsOf(sql, id) };
};

/**
 * Settles the reservations that have run out: a job whose object exists is confirmed, any other one is dropped. Where an object
 * cannot be asked, it is asked again after another reservation's time.
 *
 * @param exists whether the job's object was created; one that is through with its programs says so itself
 */
export const settleReservations = async (
  storage: DurableObjectStorage,
  exists: (id: string) => Promise<boolean>,
  now: number,
): Promise<void> => {
  const { sql } = storage;
  const overdue = "SELECT id FROM job WHERE reserved_until <= ? ORDER BY reserved_until LIMIT ?";
  await Promise.all(
    rowsOf(sql, IdRowSchema, overdue, now, batch).map(async ({ id }) => {
      try {
        if (await exists(id)) noteExistence(sql, id);
        else storage.transactionSync(() => dropReservation(sql, id, now));
      } catch (error) {
        console.warn(`job ${id} could not be asked for; it is tried again`, error);
        sql.exec(
          "UPDATE job SET reserved_until = ? WHERE id = ? AND reserved_until <= ?",
          now + reservationTime,
          id,
          now,
        );
      }
    }),
  );
};

/** Drops a reservation, unless the request was repeated, or the job confirmed, since it ran out. */
const dropReservation = (sql: SqlStorage, id: string, now: number): void => {
  const query = "SELECT 1 FROM job WHERE id = ? AND reserved_until <= ?";
  if (sql.exec(query, id, now).toArray().length > 0) forgetJob(sql, id, now);
};

/** When the next reservation runs out, in ms since 1970. */
export const nextReservation = (sql: SqlStorage): number | undefined =>
  earliest(sql, "SELECT min(reserved_until) AS due FROM job WHERE reserved_until IS NOT NULL");

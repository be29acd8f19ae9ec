import { z } from "zod";
import { ArtifactTypeSchema } from "../../shared/api/artifacts.ts";
import { ProgramRoleSchema } from "../../shared/protocol/tasks.ts";

/** When a job has ended, in ms: as the index and all that is to use it must write it. */
export const endTime = "(snapshot ->> '$.endTime')";

/**
 * The Registry's tables.
 *
 * - `artifact`: a name and the content that it has now; `seq` grows with every upload, so newest first is by it.
 * - `upload`: content that is on its way; what is not heard of for long is garbage.
 * - `job`: `reserved_until` is set until the JobObject is known to exist; `snapshot` is what the list shows; `ended` is 1 when
 *   the job will do nothing any more.
 * - `pin`: content that a job holds on to, whatever becomes of the name.
 * - `idempotency`: the job that a key was used for.
 * - `leaving`: jobs whose time is over, and whose objects must be erased.
 * - `garbage`: what must go from R2; `upload_id` where a multipart upload may be open.
 */
export const createTables = (sql: SqlStorage): void => {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS artifact (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL, size INTEGER NOT NULL,
      hash TEXT NOT NULL, key TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS upload (key TEXT PRIMARY KEY, upload_id TEXT, touched INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS upload_touched ON upload (touched);
    CREATE TABLE IF NOT EXISTS job (
      id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, reserved_until INTEGER, ended INTEGER NOT NULL DEFAULT 0,
      snapshot TEXT) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS job_reserved ON job (reserved_until) WHERE reserved_until IS NOT NULL;
    CREATE INDEX IF NOT EXISTS job_ended ON job (${endTime}) WHERE ended = 1;
    CREATE TABLE IF NOT EXISTS leaving (
      id TEXT PRIMARY KEY, due INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS leaving_due ON leaving (due);
    CREATE TABLE IF NOT EXISTS pin (
      job_id TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
      hash TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (job_id, role)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS pin_key ON pin (key);
    CREATE TABLE IF NOT EXISTS idempotency (
      key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, job_id TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS idempotency_expires ON idempotency (expires);
    CREATE INDEX IF NOT EXISTS idempotency_job ON idempotency (job_id);
    CREATE TABLE IF NOT EXISTS garbage (
      key TEXT PRIMARY KEY, upload_id TEXT, due INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS garbage_due ON garbage (due);
  `);
};

const content = {
  name: z.string(),
  type: ArtifactTypeSchema,
  size: z.int(),
  hash: z.string(),
  key: z.string(),
};
export const contentColumns = "name, type, size, hash, key";

export const ArtifactRowSchema = z.object({ seq: z.int(), ...content });
export const ContentRowSchema = z.object(content);
export const PinRowSchema = z.object({ role: ProgramRoleSchema, ...content });
export const JobRowSchema = z.object({
  id: z.string(),
  created_at: z.int(),
  reserved_until: z.int().nullable(),
  ended: z.int(),
  snapshot: z.string().nullable(),
});
export const SnapshotRowSchema = z.object({ id: z.string(), snapshot: z.string() });
export const IdempotencyRowSchema = z.object({ fingerprint: z.string(), job_id: z.string() });
export const GarbageRowSchema = z.object({ key: z.string(), upload_id: z.string().nullable(), tries: z.int() });

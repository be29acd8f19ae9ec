import type { Migration, Schema } from "../platform/migrations.ts";

/** When a job has ended, in ms: as the index and all that is to use it must write it. */
export const endTime = "(snapshot ->> '$.endTime')";

/**
 * The tables of release 0.1.0:
 *
 * - `artifact`: a name and the content that it has now; `seq` grows with every upload, so newest first is by it.
 * - `upload`: content on its way to R2, and when it was last heard of.
 * - `job`: `reserved_until` is set until the JobObject is known to exist; `snapshot` is what the list shows; `ended` is 1 when
 *   the job will do nothing any more.
 * - `pin`: content that a job holds, whatever happens to its name.
 * - `idempotency`: the job that a key was used for.
 * - `leaving`: jobs whose retention is over, and whose objects must be erased.
 * - `garbage`: what must be deleted from R2; `upload_id` where a multipart upload may be open.
 */
const release010: Migration = `
  CREATE TABLE artifact (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL, size INTEGER NOT NULL,
    hash TEXT NOT NULL, key TEXT NOT NULL UNIQUE);
  CREATE TABLE upload (key TEXT PRIMARY KEY, upload_id TEXT, touched INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX upload_touched ON upload (touched);
  CREATE TABLE job (
    id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, reserved_until INTEGER, ended INTEGER NOT NULL DEFAULT 0,
    snapshot TEXT) WITHOUT ROWID;
  CREATE INDEX job_reserved ON job (reserved_until) WHERE reserved_until IS NOT NULL;
  CREATE INDEX job_ended ON job (${endTime}) WHERE ended = 1;
  CREATE TABLE leaving (id TEXT PRIMARY KEY, due INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
  CREATE INDEX leaving_due ON leaving (due);
  CREATE TABLE pin (
    job_id TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
    hash TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (job_id, role)) WITHOUT ROWID;
  CREATE INDEX pin_key ON pin (key);
  CREATE TABLE idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, job_id TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX idempotency_expires ON idempotency (expires);
  CREATE INDEX idempotency_job ON idempotency (job_id);
  CREATE TABLE garbage (
    key TEXT PRIMARY KEY, upload_id TEXT, due INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
  CREATE INDEX garbage_due ON garbage (due);
`;

/** `job.version`: of the state that the snapshot shows. Jobs of release 0.1.0 had none, and are older than all others. */
const snapshotVersions: Migration = "ALTER TABLE job ADD COLUMN version INTEGER NOT NULL DEFAULT 0";

/**
 * Idempotency keys are their callers' own. Those of release 0.1.0 go to whoever posted their jobs; where the job was not yet known
 * to exist, nobody knows who that was, and the caller is '': such a key still counts for whoever repeats the request.
 */
const keysOfCallers: Migration = `
  CREATE TABLE caller_key (
    caller TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, job_id TEXT NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (caller, key)) WITHOUT ROWID;
  INSERT INTO caller_key SELECT
    coalesce((SELECT snapshot ->> '$.submittedBy' FROM job WHERE id = job_id), ''), key, fingerprint, job_id, expires
    FROM idempotency;
  DROP TABLE idempotency;
  ALTER TABLE caller_key RENAME TO idempotency;
  CREATE INDEX idempotency_expires ON idempotency (expires);
  CREATE INDEX idempotency_job ON idempotency (job_id);
`;

/** `job.cluster`: by which the jobs of a cluster that have not ended are counted. */
const clustersOfJobs: Migration = `
  ALTER TABLE job ADD COLUMN cluster TEXT;
  UPDATE job SET cluster = snapshot ->> '$.cluster' WHERE ended = 0;
  CREATE INDEX job_open ON job (cluster) WHERE ended = 0;
`;

/** `token`: tokens of the API that were issued, by the hash of each; `expires` is a day, as 2030-12-31. */
const issuedTokens: Migration = `
  CREATE TABLE token (
    name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL, expires TEXT, created INTEGER NOT NULL)
    WITHOUT ROWID;
`;

/** `region`: where the agents of clusters have connected from last. */
const regionsOfClusters: Migration =
  "CREATE TABLE region (cluster TEXT PRIMARY KEY, region TEXT NOT NULL) WITHOUT ROWID";

/** `artifact`: when and by whom it was uploaded; null of those of release 0.1.0. */
const uploadsOfArtifacts: Migration = `
  ALTER TABLE artifact ADD COLUMN uploaded_at INTEGER;
  ALTER TABLE artifact ADD COLUMN uploaded_by TEXT;
`;

/** `pin`: a job that is resumed with another program holds the one that it had before as well. */
const pinsOfResumedJobs: Migration = `
  CREATE TABLE pinned (
    job_id TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
    hash TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (job_id, role, key)) WITHOUT ROWID;
  INSERT INTO pinned SELECT job_id, role, name, type, size, hash, key FROM pin;
  DROP TABLE pin;
  ALTER TABLE pinned RENAME TO pin;
  CREATE INDEX pin_key ON pin (key);
`;

/** What the Registry stores. */
export const registrySchema: Schema = {
  firstTable: "artifact",
  migrations: [
    release010,
    snapshotVersions,
    keysOfCallers,
    clustersOfJobs,
    issuedTokens,
    regionsOfClusters,
    uploadsOfArtifacts,
    pinsOfResumedJobs,
  ],
};

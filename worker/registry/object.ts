import { DurableObject } from "cloudflare:workers";
import type { ArtifactType } from "../../shared/api/artifacts.ts";
import type { Job } from "../../shared/api/jobs.ts";
import type { Token } from "../../shared/api/tokens.ts";
import type {
  ArtifactNames,
  Items,
  JobFilter,
  Pins,
  RefusedUses,
  RegistryApi,
  Reservation,
  ReservationRequest,
  StoredContent,
} from "../contracts.ts";
import { jobOf, type Env } from "../env.ts";
import type { PinnedArtifact } from "../job/spec.ts";
import type { Region } from "../location.ts";
import { removeLogs } from "../logs/attempt-logs.ts";
import { AlarmClock, soonest } from "../platform/alarm-clock.ts";
import { migrate } from "../platform/migrations.ts";
import { retentionMs } from "../durations.ts";
import { findArtifact, listArtifacts, nameContent, removeArtifact } from "./artifacts.ts";
import { collectGarbage, nextGarbage } from "./garbage.ts";
import { forgetOldKeys, nextOldKey } from "./idempotency.ts";
import { listJobs } from "./job-list.ts";
import { confirmJob, publishJob } from "./jobs.ts";
import { nextReservation, reserveJob, settleReservations } from "./reservations.ts";
import { saveRegion } from "./regions.ts";
import { eraseLeaving, isLeaving, nextErasure, nextRetirement, retireJob, retireJobs } from "./retention.ts";
import { registrySchema } from "./schema.ts";
import { deleteToken, findTokenNamed, findTokenOfHash, listTokens, putToken } from "./tokens.ts";
import { pinAgain } from "./uses.ts";
import {
  beginUpload,
  finishUpload,
  giveUpSilentUploads,
  giveUpUpload,
  nextSilentUpload,
  renewUpload,
} from "./uploads.ts";

/**
 * The one object that knows every artifact's name, every job and every token that was issued.
 *
 * Contents are immutable and have keys of their own in R2. A content lives while an artifact has it or a job pins it; all
 * that is deleted from R2 is first written down as garbage, and the alarm deletes it, again and again until that succeeds.
 * Likewise a job whose retention is over is first taken from the list and written down as leaving, and then its object is erased.
 */
export class Registry extends DurableObject<Env> implements RegistryApi {
  readonly #sql: SqlStorage;
  readonly #clock: AlarmClock;
  /** What tells the states of the lists apart: this instance of the object, and what it has changed. */
  readonly #life = crypto.randomUUID();
  #changes = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    migrate(ctx.storage, registrySchema);
    this.#clock = new AlarmClock(ctx.storage, () => this.#nextDue());
    // When ended jobs are due follows from the configuration, which may have changed since the alarm was set.
    this.#clock.arm(Date.now());
  }

  async beginContent(key: string): Promise<void> {
    this.#change((now) => beginUpload(this.#sql, key, now));
  }

  async renewContent(key: string, uploadId: string): Promise<boolean> {
    return this.#change((now) => renewUpload(this.#sql, key, uploadId, now));
  }

  async abandonContent(key: string): Promise<void> {
    this.#change((now) => giveUpUpload(this.#sql, key, now));
  }

  async putArtifact(artifact: PinnedArtifact, uploadedBy: string): Promise<StoredContent | null> {
    return this.#change((now) => {
      if (finishUpload(this.#sql, artifact.key)) nameContent(this.#sql, artifact, uploadedBy, now);
      const stored = findArtifact(this.#sql, artifact.name);
      return stored?.key === artifact.key ? stored : null;
    });
  }

  async getArtifact(name: string): Promise<StoredContent | null> {
    return findArtifact(this.#sql, name);
  }

  async deleteArtifact(name: string): Promise<boolean> {
    return this.#change((now) => removeArtifact(this.#sql, name, now));
  }

  async listArtifacts(type: ArtifactType | undefined, after: string | null, limit: number): Promise<Items> {
    return listArtifacts(this.#sql, type, after, limit);
  }

  async createJob(request: ReservationRequest): Promise<Reservation> {
    return this.#change((now) => reserveJob(this.#sql, request, now));
  }

  async pinAgain(id: string, names: ArtifactNames): Promise<({ readonly kind: "pinned" } & Pins) | RefusedUses> {
    return this.#change(() => pinAgain(this.#sql, id, names));
  }

  async noteRegion(cluster: string, region: Region): Promise<void> {
    this.#change(() => saveRegion(this.#sql, cluster, region));
  }

  async confirmJob(job: Job): Promise<void> {
    this.#change(() => confirmJob(this.#sql, job));
  }

  async publish(job: Job, version: number, ended: boolean): Promise<void> {
    // During a deployment an object of release 0.1.0 may call, which sends no version. It is upgraded and tells it again.
    if (typeof version !== "number") throw new TypeError("publish needs a version");
    this.#change((now) => {
      if (!isLeaving(this.#sql, job.id)) publishJob(this.#sql, job, version, ended, now);
    });
  }

  async purgeJob(id: string): Promise<boolean> {
    return this.#change((now) => retireJob(this.#sql, id, now));
  }

  async listJobs(
    filter: JobFilter,
    after: string | null,
    limit: number,
  ): Promise<Items & { readonly version: string }> {
    return { ...listJobs(this.#sql, filter, after, limit), version: `${this.#life}.${this.#changes}` };
  }

  async putToken(token: Token, hash: string): Promise<boolean> {
    return this.#change(() => putToken(this.#sql, token, hash));
  }

  async getToken(name: string): Promise<Token | null> {
    return findTokenNamed(this.#sql, name);
  }

  async findToken(hash: string): Promise<Token | null> {
    return findTokenOfHash(this.#sql, hash);
  }

  async deleteToken(name: string): Promise<boolean> {
    return this.#change(() => deleteToken(this.#sql, name));
  }

  async listTokens(after: string | null, limit: number): Promise<Items> {
    return listTokens(this.#sql, after, limit);
  }

  override async alarm(): Promise<void> {
    await this.#clock.ring(async (now) => {
      this.#changes++;
      this.ctx.storage.transactionSync(() => this.#giveUp(now));
      const exists = async (id: string) => (await jobOf(this.env, id).request()) !== null;
      await settleReservations(this.ctx.storage, exists, Date.now());
      await eraseLeaving(this.#sql, async (id) => await this.#eraseJob(id), Date.now());
      await collectGarbage(this.#sql, this.env.ARTIFACTS, Date.now());
    });
  }

  /** The object first: from then on no log of the job is taken. */
  async #eraseJob(id: string): Promise<boolean> {
    if (!(await jobOf(this.env, id).erase())) return false;
    await removeLogs(this.env.ARTIFACTS, id);
    return true;
  }

  /** Gives up all that has been kept for long enough. */
  #giveUp(now: number): void {
    giveUpSilentUploads(this.#sql, now);
    forgetOldKeys(this.#sql, now);
    const retention = retentionMs(this.env);
    if (retention !== undefined) retireJobs(this.#sql, now - retention, now);
  }

  /** Runs a change of which all is kept, or nothing where it throws, and sets the alarm. */
  #change<T>(change: (now: number) => T): T {
    const now = Date.now();
    this.#changes++;
    const result = this.ctx.storage.transactionSync(() => change(now));
    this.#clock.arm(now);
    return result;
  }

  #nextDue(): number | undefined {
    const retention = retentionMs(this.env);
    return soonest([
      nextSilentUpload(this.#sql),
      nextReservation(this.#sql),
      nextOldKey(this.#sql),
      nextGarbage(this.#sql),
      nextErasure(this.#sql),
      retention === undefined ? undefined : nextRetirement(this.#sql, retention),
    ]);
  }
}

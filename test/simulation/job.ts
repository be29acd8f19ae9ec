import { JobRequestSchema } from "../../shared/api/job-request.ts";
import type { Assignment } from "../../shared/protocol/tasks.ts";
import { JobObject } from "../../worker/job/object.ts";
import { programsFor } from "../../worker/job/programs.ts";
import type { JobSpec, PinnedPrograms } from "../../worker/job/spec.ts";
import { JobChecks } from "./job-checks.ts";
import type { Host } from "./host.ts";
import type { JobOptions } from "./options.ts";
import { addressOf, foldersOf, type Folders } from "./places.ts";
import type { World } from "./world.ts";

/** The credentials of every job. */
export const access = { username: "u", password: "p" };

/** A job that a user posts: its object, its behaviour, and the checks on it. */
export class SimulatedJob {
  readonly id: string;
  readonly isStored: boolean;
  readonly options: JobOptions;
  readonly folders: Folders;
  readonly host: Host<JobObject>;
  readonly checks: JobChecks;
  /** Uploads that the job has acknowledged. */
  readonly noted = new Set<string>();
  readonly world: World;

  /** @param isStored whether an earlier release created it */
  constructor(id: string, options: JobOptions, world: World, isStored: boolean) {
    this.id = id;
    this.isStored = isStored;
    this.options = options;
    this.folders = foldersOf(id);
    this.world = world;
    this.host = world.host((ctx, env) => new JobObject(ctx, env), {
      kind: "job",
      // If what a runner reports cannot be stored, its attempt is charged for it.
      storageFails: false,
      observe: (what) => this.checks.observe(what),
    });
    this.checks = new JobChecks(this, world);
  }

  /** Whether the cluster has no room for the job. */
  get isBlocked(): boolean {
    return this.world.elapsed < this.options.blockedUntil;
  }

  spec(createdAt: number, pinned: PinnedPrograms): JobSpec {
    const { maps, reducers, maxAttempts, maxLosses, maxFailedMapsPercent, speculation } = this.options;
    const { deadlineSeconds, keepFailedSeconds } = this.options;
    const isNotified = this.options.refusals !== undefined;
    const request = JobRequestSchema.parse({
      inputPath: addressOf("input/"),
      outputPath: addressOf("out"),
      mapperName: "mapper",
      ...(reducers > 0 && { reducerName: "reducer" }),
      nReducers: reducers,
      splitSize: maps > 0 ? 100 : undefined,
      maxAttempts,
      maxLosses,
      maxFailedMapsPercent,
      speculation,
      deadlineSeconds,
      keepFailedSeconds,
      inputStorageCredentials: access,
      outputStorageCredentials: access,
      ...(isNotified && { notify: { url: "http://receiver/" } }),
    });
    return {
      id: this.id,
      createdAt,
      submittedBy: "simulation",
      cluster: "default",
      credentialSecrets: [],
      request,
      programs: programsFor(request, pinned),
    };
  }

  /** The duration of a step of a task, in ms. Some steps take much longer than others. */
  effort(_task: Assignment): number {
    const { random, options } = this.world;
    return random.between(20, 1000) * (random.chance(options.slowSteps) ? 50 : 1);
  }

  isDeadly({ kind, index }: Assignment): boolean {
    return kind === "map" && index === this.options.deadly;
  }

  /** Why an attempt of a task fails; undefined if it does not. */
  failureOf({ kind, index }: Assignment): { message: string; final: boolean } | undefined {
    const { options } = this;
    const { random } = this.world;
    const name = `${kind} ${String.fromCharCode(97 + index)}`;
    if (kind === options.broken && !this.checks.isMended)
      return { message: `line ${index}: no such function`, final: false };
    if (kind === "map" && index === options.poisoned && !this.checks.isMended)
      return { message: `${name} cannot be read`, final: random.chance(0.3) };
    if (!random.chance(options.failures)) return undefined;
    return { message: `${name} had no luck`, final: random.chance(options.finality) };
  }

  /** Makes an upload visible. */
  commit(path: string, uploadId: string, attempt: string): "completed" | "lost" {
    this.checks.committing(path);
    return this.world.store.completeUpload(path, uploadId, attempt);
  }

  /** Writes `_SUCCESS`. */
  succeed(attempt: string): void {
    this.checks.succeeding();
    this.world.store.put(`${this.folders.output}_SUCCESS`, [], attempt);
  }
}

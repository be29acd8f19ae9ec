import type { Artifact, ProgramType } from "../../shared/api/artifacts.ts";
import type { JobRequest } from "../../shared/api/job-request.ts";
import type { BuiltinName } from "../../shared/builtin-programs.ts";
import { defaultMaxLosses } from "../../shared/limits.ts";
import { placementFields, type PlacedArtifact } from "../../shared/api/placements.ts";
import { programRoles, type ProgramRole } from "../../shared/protocol/tasks.ts";
import { runnerFeatures, type RunnerFeature } from "../../shared/protocol/versions.ts";

/** An artifact's content as a job holds on to it: `key` names it in R2, whatever becomes of the artifact's name. */
export type PinnedArtifact = Artifact & { readonly key: string };
export type PinnedProgram = PinnedArtifact & { readonly type: ProgramType };

/** An artifact as the REST API shows it. */
export const artifactOf = ({ name, type, size, hash }: PinnedArtifact): Artifact => ({ name, type, size, hash });

/** Likewise, with its name in the working directory. */
export const placedOf = (pinned: PinnedPlacement): PlacedArtifact => ({ ...artifactOf(pinned), as: pinned.as });

export type PinnedPrograms = { readonly [R in ProgramRole]?: PinnedProgram };

/** A program that comes with every runner. */
export type BuiltinProgram = { readonly name: BuiltinName; readonly type: "builtin" };
export type JobProgram = PinnedProgram | BuiltinProgram;

/** What a job runs. Of jobs that earlier releases have stored, all programs are pinned. */
export type JobPrograms = {
  readonly mapper: JobProgram;
  /** None in a map-only job. */
  readonly reducer?: JobProgram;
  readonly combiner?: PinnedProgram;
};

/** An artifact in the working directory of programs, under the name `as`. */
export type PinnedPlacement = PinnedArtifact & { readonly as: string };

/** What a JobObject is created from. */
export type JobSpec = {
  readonly id: string;
  readonly createdAt: number;
  /** The name of the token that it was posted with. */
  readonly submittedBy: string;
  /** Where it runs. */
  readonly cluster: string;
  readonly request: JobRequest;
  /** The Secrets of the cluster that its credentials lie in. The credentials themselves are kept apart from this. */
  readonly credentialSecrets: readonly string[];
  readonly programs: JobPrograms;
  readonly files?: readonly PinnedPlacement[];
  readonly archives?: readonly PinnedPlacement[];
  /** What its runners must be able to do (`runnerFeatures`). */
  readonly features?: readonly string[];
  /** The fields of its request that are kept sealed, and so are not in `request`. */
  readonly sealedFields?: readonly string[];
  /** The job that it was started again from. */
  readonly rerunOf?: string;
  /** When it was last resumed, in ms since 1970. */
  readonly resumedAt?: number;
};

/** What the machine is told of a request. */
export const machineOptions = (request: JobRequest) => ({
  parallelism: request.parallelism ?? null,
  maxAttempts: request.maxAttempts,
  maxLosses: request.maxLosses ?? defaultMaxLosses,
  maxFailedMapsPercent: request.maxFailedMapsPercent,
  speculation: request.speculation,
  keepFailedSeconds: request.keepFailedSeconds ?? 0,
});

/** Those of a job's programs that are artifacts. */
export const pinnedAmong = (programs: JobPrograms): PinnedPrograms =>
  Object.fromEntries(
    programRoles.flatMap((role) => {
      const program = programs[role];
      return program === undefined || program.type === "builtin" ? [] : [[role, program]];
    }),
  );

/** The artifact that the job runs in that role, or null. */
export const programOf = ({ programs }: JobSpec, role: ProgramRole): PinnedProgram | null =>
  pinnedAmong(programs)[role] ?? null;

/** A content of that hash that the job holds, or null. */
export const contentOf = ({ programs, files = [], archives = [] }: JobSpec, hash: string): PinnedArtifact | null => {
  const { mapper, reducer, combiner } = pinnedAmong(programs);
  return [mapper, reducer, combiner, ...files, ...archives].find((held) => held?.hash === hash) ?? null;
};

/** What the runners of a job must be able to do. */
export const featuresOf = (request: JobRequest, programs: JobPrograms): RunnerFeature[] => {
  const { mapperArgs, reducerArgs, combinerArgs, environment } = request;
  const hasSettings = [mapperArgs, reducerArgs, combinerArgs, environment].some((given) => given !== undefined);
  const hasFiles = placementFields.some((field) => (request[field] ?? []).length > 0);
  const needs: { readonly [F in RunnerFeature]: boolean } = {
    arguments: hasSettings,
    files: hasFiles,
    secrets: request.secretEnvironment !== undefined,
    // Those that cannot are never asked to.
    follow: false,
    builtins: Object.values(programs).some((program) => program?.type === "builtin"),
    wasm: Object.values(programs).some((program) => program?.type === "wasm"),
  };
  return runnerFeatures.filter((feature) => needs[feature]);
};

import type { Artifact, ProgramType } from "../../shared/api/artifacts.ts";
import type { JobRequest } from "../../shared/api/job-request.ts";
import { defaultMaxLosses } from "../../shared/limits.ts";
import { placementFields, type PlacedArtifact } from "../../shared/api/placements.ts";
import { runnerFeatures, type RunnerFeature } from "../../shared/protocol/versions.ts";

/** An artifact's content as a job holds on to it: `key` names it in R2, whatever becomes of the artifact's name. */
export type PinnedArtifact = Artifact & { readonly key: string };
export type PinnedProgram = PinnedArtifact & { readonly type: ProgramType };

/** An artifact as the REST API shows it. */
export const artifactOf = ({ name, type, size, hash }: PinnedArtifact): Artifact => ({ name, type, size, hash });

/** Likewise, with its name in the working directory. */
export const placedOf = (pinned: PinnedPlacement): PlacedArtifact => ({ ...artifactOf(pinned), as: pinned.as });

export type PinnedPrograms = {
  readonly mapper: PinnedProgram;
  readonly reducer?: PinnedProgram;
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
  readonly programs: PinnedPrograms;
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

/** A content of that hash that the job holds, or null. */
export const contentOf = ({ programs, files = [], archives = [] }: JobSpec, hash: string): PinnedArtifact | null => {
  const { mapper, reducer, combiner } = programs;
  return [mapper, reducer, combiner, ...files, ...archives].find((held) => held?.hash === hash) ?? null;
};

/** What the runners of a job must be able to do. */
export const featuresOf = (request: JobRequest): RunnerFeature[] => {
  const { mapperArgs, reducerArgs, combinerArgs, environment } = request;
  const hasSettings = [mapperArgs, reducerArgs, combinerArgs, environment].some((given) => given !== undefined);
  const hasFiles = placementFields.some((field) => (request[field] ?? []).length > 0);
  const needs: { readonly [F in RunnerFeature]: boolean } = {
    arguments: hasSettings,
    files: hasFiles,
    secrets: request.secretEnvironment !== undefined,
    // Those that cannot are never asked to.
    follow: false,
  };
  return runnerFeatures.filter((feature) => needs[feature]);
};

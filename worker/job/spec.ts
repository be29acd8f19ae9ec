import type { Artifact } from "../../shared/api/artifacts.ts";
import type { JobRequest } from "../../shared/api/job-request.ts";
import { defaultMaxLosses } from "../../shared/limits.ts";
import type { RunnerFeature } from "../../shared/protocol/versions.ts";

/** An artifact's content as a job holds on to it: `key` names it in R2, whatever becomes of the artifact's name. */
export type PinnedProgram = Artifact & { readonly key: string };

/** An artifact as the REST API shows it. */
export const artifactOf = ({ name, type, size, hash }: PinnedProgram): Artifact => ({ name, type, size, hash });

export type PinnedPrograms = {
  readonly mapper: PinnedProgram;
  readonly reducer?: PinnedProgram;
  readonly combiner?: PinnedProgram;
};

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

/** What the runners of a job must be able to do. */
export const featuresOf = ({ mapperArgs, reducerArgs, combinerArgs, environment }: JobRequest): RunnerFeature[] =>
  [mapperArgs, reducerArgs, combinerArgs, environment].some((given) => given !== undefined) ? ["arguments"] : [];

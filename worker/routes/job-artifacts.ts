import type { ArtifactType } from "../../shared/api/artifacts.ts";
import type { JobRequest } from "../../shared/api/job-request.ts";
import { namesOf } from "../../shared/api/placements.ts";
import type { ArtifactNames, ArtifactUse, PinRole, RefusedUses } from "../contracts.ts";
import { invalidRequest, type ProblemError } from "../http/problems.ts";
import type { PinnedArtifact, PinnedPlacement } from "../job/spec.ts";

/** The artifacts that a job's request names. */

export const artifactNamesOf = (request: JobRequest): ArtifactNames => ({
  mapper: request.mapperName,
  reducer: request.reducerName,
  combiner: request.combinerName,
  files: request.files?.map((placement) => namesOf(placement).name),
  archives: request.archives?.map((placement) => namesOf(placement).name),
});

/** Pinned artifacts with the names that the request gives them, in its order. */
export const placeArtifacts = (
  placements: JobRequest["files"] = [],
  pinned: readonly PinnedArtifact[],
): PinnedPlacement[] =>
  pinned.flatMap((artifact, index) => {
    const placement = placements[index];
    return placement === undefined ? [] : [{ ...artifact, as: namesOf(placement).as }];
  });

/** The field of a request that names an artifact. */
const fieldOf = (role: PinRole): string =>
  role === "mapper" || role === "reducer" || role === "combiner" ? `${role}Name` : role;

const unknownArtifacts = (uses: readonly ArtifactUse[]): ProblemError =>
  invalidRequest(
    uses.map(({ role, name }) => ({
      field: fieldOf(role),
      message: `names the artifact '${name}', which does not exist`,
    })),
    "unknown-artifact",
  );

const notProgram: { readonly [T in ArtifactType]?: string } = {
  file:
    "is a file, not a program: its first line must be `#!…`, such as `#!/usr/bin/env python3`. A JavaScript module needs a name in " +
    ".mjs, or to be uploaded with `--form type=module`",
  archive: "is an archive, not a program: upload the program by itself, and name the archive in `archives`",
};
const notArchive = "is no archive: name it in `files`, or upload a file that ends in .tar.gz, .tgz, .tar or .zip";

const unfitArtifacts = (uses: readonly (ArtifactUse & { readonly type: ArtifactType })[]): ProblemError =>
  invalidRequest(
    uses.map(({ role, name, type }) => {
      const problem = role.startsWith("archives.") ? notArchive : notProgram[type];
      return { field: fieldOf(role), message: `names '${name}', which ${problem}` };
    }),
  );

/** Why a job cannot have the artifacts that its request names. */
export const refusedUses = (refused: RefusedUses): ProblemError =>
  refused.kind === "unknown" ? unknownArtifacts(refused.uses) : unfitArtifacts(refused.uses);

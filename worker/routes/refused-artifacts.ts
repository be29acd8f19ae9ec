import type { ArtifactType } from "../../shared/api/artifacts.ts";
import type { ArtifactUse, PinRole } from "../contracts.ts";
import { invalidRequest, type ProblemError } from "../http/problems.ts";

/** Why a job cannot have the artifacts that its request names. */

/** The field of a request that names an artifact. */
const fieldOf = (role: PinRole): string =>
  role === "mapper" || role === "reducer" || role === "combiner" ? `${role}Name` : role;

export const unknownArtifacts = (uses: readonly ArtifactUse[]): ProblemError =>
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

export const unfitArtifacts = (uses: readonly (ArtifactUse & { readonly type: ArtifactType })[]): ProblemError =>
  invalidRequest(
    uses.map(({ role, name, type }) => {
      const problem = role.startsWith("archives.") ? notArchive : notProgram[type];
      return { field: fieldOf(role), message: `names '${name}', which ${problem}` };
    }),
  );

import { ProgramTypeSchema, type ArtifactType } from "../../shared/api/artifacts.ts";
import { placementFields } from "../../shared/api/placements.ts";
import { programRoles } from "../../shared/protocol/tasks.ts";
import type { ArtifactNames, ArtifactUse, PinRole, Pins, RefusedUses } from "../contracts.ts";
import { builtinFor } from "../job/programs.ts";
import type { PinnedArtifact } from "../job/spec.ts";
import { findArtifact } from "./artifacts.ts";
import { isOpen } from "./jobs.ts";
import { pin, pinsAmong } from "./pins.ts";

/** What jobs need artifacts for, from the names in their requests to pins. */

/** An artifact as it is now, and what a job needs it for. */
type FoundUse = { readonly role: PinRole; readonly artifact: PinnedArtifact };

/** What a job is to hold, in the order of its request. */
const usesOf = (names: ArtifactNames): ArtifactUse[] => [
  ...programRoles.flatMap((role) => {
    const name = names[role];
    return name === undefined ? [] : [{ role, name }];
  }),
  ...placementFields.flatMap((field) =>
    (names[field] ?? []).map((name, index) => ({ role: `${field}.${index}` as const, name })),
  ),
];

/** Whether an artifact of that type can be used so. Whatever it is, it can be a file. */
const isFit = (role: PinRole, type: ArtifactType): boolean => {
  if (role.startsWith("files.")) return true;
  return role.startsWith("archives.") ? type === "archive" : ProgramTypeSchema.safeParse(type).success;
};

/** Looks up the artifacts that a request asks for. A built-in program whose name no artifact has is none of them. */
export const findUses = (
  sql: SqlStorage,
  names: ArtifactNames,
): { readonly kind: "found"; readonly uses: readonly FoundUse[] } | RefusedUses => {
  const found = usesOf(names).map((use) => ({ ...use, artifact: findArtifact(sql, use.name) }));
  const unknown = found.flatMap(({ role, name, artifact }) =>
    artifact === null && builtinFor(role, name) === undefined ? [{ role, name }] : [],
  );
  if (unknown.length > 0) return { kind: "unknown", uses: unknown };
  const unfit = found.flatMap(({ role, name, artifact }) =>
    artifact === null || isFit(role, artifact.type) ? [] : [{ role, name, type: artifact.type }],
  );
  if (unfit.length > 0) return { kind: "unfit", uses: unfit };
  return {
    kind: "found",
    uses: found.flatMap(({ role, artifact }) => (artifact === null ? [] : [{ role, artifact }])),
  };
};

export const pinUses = (sql: SqlStorage, jobId: string, uses: readonly FoundUse[]): void => {
  for (const { role, artifact } of uses) pin(sql, jobId, role, artifact);
};

/** Pins what artifacts of these names hold now for a job that has not ended: with its end it lets go of all that it holds. */
export const pinAgain = (
  sql: SqlStorage,
  jobId: string,
  names: ArtifactNames,
): ({ readonly kind: "pinned" } & Pins) | RefusedUses => {
  const found = findUses(sql, names);
  if (found.kind !== "found") return found;
  if (isOpen(sql, jobId)) pinUses(sql, jobId, found.uses);
  return { kind: "pinned", ...pinsAmong(found.uses) };
};

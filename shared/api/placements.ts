import { z } from "zod";
import { ArtifactNameSchema, ArtifactSchema } from "./artifacts.ts";

/** Artifacts that lie in the working directory of each attempt, and the names that they have there. */

const PlacementSchema = z.union([
  z.strictObject({
    name: ArtifactNameSchema,
    as: ArtifactNameSchema.optional().describe("Name in the working directory. The artifact's own by default."),
  }),
  ArtifactNameSchema,
]);
type Placement = z.infer<typeof PlacementSchema>;

const mostPlacements = 100;
export const PlacementsSchema = z
  .array(PlacementSchema)
  .max(mostPlacements, { error: `must have at most ${mostPlacements} items`, abort: true });

/** The fields of a request that place artifacts. */
export const placementFields = ["files", "archives"] as const;
export type PlacementField = (typeof placementFields)[number];
type Placements = { readonly [F in PlacementField]?: readonly Placement[] | undefined };

/** The artifact's name, and the one that it gets. */
export const namesOf = (placement: Placement): { name: string; as: string } =>
  typeof placement === "string"
    ? { name: placement, as: placement }
    : { name: placement.name, as: placement.as ?? placement.name };

type Clash = { readonly field: PlacementField; readonly index: number; readonly message: string };

/** The placements whose names others have before them. @param programs names of the job's programs, which lie there, too */
export const clashesOf = (request: Placements, programs: readonly string[]): Clash[] => {
  const taken = new Map<string, string>();
  return placementFields.flatMap((field) =>
    (request[field] ?? []).flatMap((placement, index) => {
      const { name, as } = namesOf(placement);
      const other = taken.get(as) ?? (programs.includes(as) && name !== as ? "a program of the job" : undefined);
      taken.set(as, `${field}.${index}`);
      const cure = `give it another name: {"name": ${JSON.stringify(name)}, "as": "…"}`;
      return other === undefined ? [] : [{ field, index, message: `would lie at '${as}', as ${other} does; ${cure}` }];
    }),
  );
};

export const PlacedArtifactSchema = ArtifactSchema.extend({
  as: z.string().describe("Name in the working directory"),
}).meta({ id: "PlacedArtifact", description: "An artifact in the working directory of programs" });
export type PlacedArtifact = z.infer<typeof PlacedArtifactSchema>;

import { z } from "zod";
import { ArtifactTypeSchema } from "../../shared/api/artifacts.ts";

/** The columns of an artifact's content, in `artifact` and in `pin`. */
export const contentColumns = "name, type, size, hash, key";

export const contentFields = {
  name: z.string(),
  type: ArtifactTypeSchema,
  size: z.int(),
  hash: z.string(),
  key: z.string(),
};

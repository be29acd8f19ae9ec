import { z } from "zod";
import { MillisecondsSchema } from "./fields.ts";

/** Programs, and what programs read. A `file` is whatever is nothing else. */
const programTypes = ["executable", "module", "wasm"] as const;
export const ProgramTypeSchema = z.enum(programTypes);
export type ProgramType = z.infer<typeof ProgramTypeSchema>;
export const artifactTypes = [...programTypes, "file", "archive"] as const;
export const ArtifactTypeSchema = z.enum(artifactTypes);
export type ArtifactType = z.infer<typeof ArtifactTypeSchema>;

/** A name that can be a file's name on every system that programs run on. */
export const ArtifactNameSchema = z
  .string()
  .min(1, "must not be empty")
  .refine((name) => new TextEncoder().encode(name).length <= 255, "must have at most 255 bytes")
  .refine((name) => name !== "." && name !== "..", "must not be '.' or '..'")
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused here
  .refine((name) => !/[/\\\u0000-\u001f\u007f]/.test(name), "must not hold '/', '\\' or control characters");

export const ArtifactSchema = z
  .object({
    name: z.string(),
    type: ArtifactTypeSchema,
    size: z.int().nonnegative().describe("Bytes"),
    hash: z.string().describe("SHA-256 of the content, lower-case hex"),
  })
  .meta({ id: "Artifact", description: "An uploaded program, file or archive" });
export type Artifact = z.infer<typeof ArtifactSchema>;

export const ProgramSchema = z
  .object({
    name: z.string(),
    type: z
      .enum([...programTypes, "builtin"])
      .describe("builtin: comes with the runners; its size is 0 and its hash empty"),
    size: z.int().nonnegative().describe("Bytes"),
    hash: z.string().describe("SHA-256 of the content, lower-case hex"),
  })
  .meta({
    id: "Program",
    description: "A program of a job: an artifact as it was when the job was started, or a built-in one",
  });
export type Program = z.infer<typeof ProgramSchema>;

export const StoredArtifactSchema = ArtifactSchema.extend({
  uploadedAt: MillisecondsSchema.nullable().describe("Null where release 0.1.0 has stored it"),
  uploadedBy: z.string().nullable().describe("Name of the token that it was uploaded with"),
}).meta({ id: "StoredArtifact", description: "An artifact as it is stored now" });
export type StoredArtifact = z.infer<typeof StoredArtifactSchema>;

import { z } from "zod";
import { SecretReferenceSchema } from "../pods.ts";

/** What is sent as part of a header, as it is. */
const HeaderTextSchema = z
  .string()
  .min(1)
  .regex(/^[!-~]*$/, "must have visible ASCII characters only");

export const CredentialsSchema = z
  .strictObject({
    username: HeaderTextSchema.describe("Access key id"),
    password: z.string().min(1).describe("Secret access key"),
    sessionToken: HeaderTextSchema.optional(),
    region: HeaderTextSchema.optional().describe(
      "The one in the endpoint's name, else the one that the store asks for",
    ),
  })
  .meta({ id: "StorageCredentials" });
export type Credentials = z.infer<typeof CredentialsSchema>;

/** Credentials of a store, or where in the cluster they are. */
export const StorageAccessSchema = z.union([CredentialsSchema, SecretReferenceSchema]);
export type StorageAccess = z.infer<typeof StorageAccessSchema>;

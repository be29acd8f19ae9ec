import { z } from "zod";
import { MillisecondsSchema } from "./fields.ts";

/** What a user may do, each all that those before it may: read; upload programs, start and stop jobs; delete artifacts, issue tokens. */
export const roles = ["viewer", "submitter", "admin"] as const;
const RoleSchema = z.enum(roles);
export type Role = z.infer<typeof RoleSchema>;

export const tokenName = /^[A-Za-z0-9._@-]{1,64}$/;

/** Who uses a token. */
export const TokenNameSchema = z.string().regex(tokenName, "must have 1 to 64 letters, digits and any of . _ @ -");

export const TokenRequestSchema = z
  .strictObject({
    role: RoleSchema,
    expires: z.iso
      .date("must be a day such as 2030-12-31")
      .optional()
      .describe("The day from which on the token is not valid, in UTC. Without it, the token does not expire."),
  })
  .meta({ id: "TokenRequest" });

export const TokenSchema = z
  .object({
    name: z.string(),
    role: RoleSchema,
    expires: z.iso.date().nullable().describe("The day from which on it is not valid, in UTC"),
    created: MillisecondsSchema,
  })
  .meta({ id: "Token", description: "A token of the API, without its text" });
export type Token = z.infer<typeof TokenSchema>;

export const IssuedTokenSchema = TokenSchema.extend({
  token: z.string().describe("The token itself, which is never shown again"),
}).meta({ id: "IssuedToken", description: "A new token of the API" });
export type IssuedToken = z.infer<typeof IssuedTokenSchema>;

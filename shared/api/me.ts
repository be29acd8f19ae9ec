import { z } from "zod";
import { roles } from "./tokens.ts";

export const MeSchema = z
  .object({ name: z.string().describe("Name of the token"), role: z.enum(roles) })
  .meta({ id: "Me", description: "Who asks, and what that token allows" });

import { z } from "zod";
import { MillisecondsSchema } from "./fields.ts";

export const ClusterSchema = z
  .object({
    name: z.string(),
    connected: z.boolean(),
    version: z.string().nullable().describe("Of the agent that was here last"),
    launcher: z.string().nullable().describe("How it starts runners"),
    capacity: z.int().nullable().describe("Most runners at a time, over all jobs"),
    lastContact: MillisecondsSchema.nullable(),
    problem: z.string().nullable().describe("Why an agent was refused, or what does not fit"),
  })
  .meta({ id: "Cluster" });
export type Cluster = z.infer<typeof ClusterSchema>;

import { z } from "zod";
import { MillisecondsSchema } from "./fields.ts";

export const ClusterSchema = z
  .object({
    name: z.string(),
    connected: z.boolean(),
    version: z.string().nullable().describe("Release of the agent that connected last"),
    launcher: z.string().nullable().describe("How the agent starts runners: kubernetes or process"),
    capacity: z.int().nullable().describe("The most runners at a time, of all jobs"),
    lastContact: MillisecondsSchema.nullable(),
    problem: z.string().nullable().describe("Why an agent was refused, or what is wrong with the connected one"),
  })
  .meta({ id: "Cluster" });
export type Cluster = z.infer<typeof ClusterSchema>;

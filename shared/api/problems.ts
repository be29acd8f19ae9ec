import { z } from "zod";

export const ProblemSchema = z
  .object({
    type: z.string().describe("Stable identifier of the kind of problem"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem", description: "RFC 9457" });
export type Problem = z.infer<typeof ProblemSchema>;

import { z } from "zod";

/** Which job a runner works for: the first line on its standard input, as JSON, where its parent holds that open. */
export const JobOrderSchema = z.object({
  jobId: z.string().min(1),
  /** Opens this job and no other. */
  token: z.string().min(1),
});
export type JobOrder = z.infer<typeof JobOrderSchema>;

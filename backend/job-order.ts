import { z } from "zod";

/** The job that a runner works for: the first line on its standard input, as JSON, if its parent holds that open. */
export const JobOrderSchema = z.object({
  jobId: z.string().min(1),
  /** Grants access to this job only. */
  token: z.string().min(1),
});
export type JobOrder = z.infer<typeof JobOrderSchema>;

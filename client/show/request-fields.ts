import { z } from "zod";
import { JobRequestSchema } from "../../shared/api/job-request.ts";

/** The fields of a job's request, for options and forms that are made from them. */

const FieldSchema = z.looseObject({
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
});

/** A field as its JSON Schema describes it. */
export type RequestField = z.infer<typeof FieldSchema> & { readonly name: string };

export const requestFields = (): RequestField[] => {
  const { properties = {} } = z.toJSONSchema(JobRequestSchema, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, schema]) => ({ ...FieldSchema.parse(schema), name }));
};

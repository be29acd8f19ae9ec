import { z } from "zod";
import type { Credentials } from "../../shared/rest.ts";

const environmentSchema = z.object({
  AWS_ACCESS_KEY_ID: z.string().min(1),
  AWS_SECRET_ACCESS_KEY: z.string().min(1),
  AWS_SESSION_TOKEN: z.string().min(1).optional().catch(undefined),
  AWS_REGION: z.string().min(1).optional().catch(undefined),
});

/** The credentials in the variables of `environment` that AWS tools use; undefined without a key id and a secret. */
export const ambientCredentials = (environment: NodeJS.ProcessEnv): Credentials | undefined => {
  const { data } = environmentSchema.safeParse(environment);
  if (data === undefined) return undefined;
  return {
    username: data.AWS_ACCESS_KEY_ID,
    password: data.AWS_SECRET_ACCESS_KEY,
    sessionToken: data.AWS_SESSION_TOKEN,
    region: data.AWS_REGION,
  };
};

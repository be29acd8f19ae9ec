import { z } from "zod";

// AWS tools treat an empty variable as unset
const variable = z.string().min(1).optional().catch(undefined);

export const AwsEnvironmentSchema = z.object({
  AWS_ACCESS_KEY_ID: variable,
  AWS_SECRET_ACCESS_KEY: variable,
  AWS_SESSION_TOKEN: variable,
  AWS_REGION: variable,
  AWS_DEFAULT_REGION: variable,
  AWS_ROLE_ARN: variable,
  AWS_WEB_IDENTITY_TOKEN_FILE: variable,
  AWS_ROLE_SESSION_NAME: variable,
  AWS_STS_REGIONAL_ENDPOINTS: variable,
  AWS_ENDPOINT_URL: variable,
  AWS_ENDPOINT_URL_S3: variable,
  AWS_ENDPOINT_URL_STS: variable,
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: variable,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: variable,
  AWS_CONTAINER_AUTHORIZATION_TOKEN: variable,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: variable,
});
/** The variables of AWS tools that define a process's identity and the endpoints of its services. Empty ones are omitted. */
export type AwsEnvironment = z.infer<typeof AwsEnvironmentSchema>;

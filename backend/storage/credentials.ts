import type { Credentials } from "../../shared/api/storage-access.ts";
import { AwsEnvironmentSchema, type AwsEnvironment } from "./aws-environment.ts";
import { containerCredentials } from "./container-credentials.ts";
import { pauseByClock, type Pause } from "../retry.ts";
import { refreshedCredentials } from "./refreshed-credentials.ts";
import { webIdentityCredentials } from "./web-identity.ts";

/**
 * Returns the credentials for a request.
 *
 * @param refused credentials of an earlier call that a store reports as expired; they are replaced if possible
 * @returns undefined if requests are to be anonymous
 * @throws StorageError if credentials are configured but cannot be obtained
 */
export type CredentialsSource = (refused?: Credentials) => Promise<Credentials | undefined>;

/** The same credentials for every request. */
export const fixedCredentials =
  (credentials: Credentials | undefined): CredentialsSource =>
  async () =>
    credentials;

type AmbientOptions = {
  /** Milliseconds since 1970. @default the system's clock */
  readonly now?: () => number;
  /** @default waits in real time */
  readonly pause?: Pause;
};

/**
 * The identity that the variables of `environment` give to this process, read as AWS tools do. The first of these applies:
 * a key, a role for a web identity (EKS: IAM roles for service accounts), credentials of a container (EKS Pod Identity, ECS),
 * none. Credentials are fetched when first needed. Temporary ones are then shared by all requests.
 */
export const ambientCredentials = (
  environment: NodeJS.ProcessEnv,
  { now = Date.now, pause = pauseByClock }: AmbientOptions = {},
): CredentialsSource => {
  const variables = AwsEnvironmentSchema.parse(environment);
  const key = keyOf(variables);
  if (key !== undefined) return fixedCredentials(key);
  const fetch = webIdentityCredentials(variables, pause) ?? containerCredentials(variables, pause);
  return fetch === undefined ? fixedCredentials(undefined) : refreshedCredentials(fetch, now);
};

const keyOf = (variables: AwsEnvironment): Credentials | undefined => {
  const { AWS_ACCESS_KEY_ID: username, AWS_SECRET_ACCESS_KEY: password } = variables;
  if (username === undefined || password === undefined) return undefined;
  return { username, password, sessionToken: variables.AWS_SESSION_TOKEN, region: variables.AWS_REGION };
};

import type { Credentials } from "../../shared/api/storage-access.ts";
import { AwsEnvironmentSchema, type AwsEnvironment } from "./aws-environment.ts";
import { containerCredentials } from "./container-credentials.ts";
import { pauseByClock, type Pause } from "../retry.ts";
import { refreshedCredentials } from "./refreshed-credentials.ts";
import { webIdentityCredentials } from "./web-identity.ts";

/**
 * Where the credentials for each request come from.
 *
 * @param refused those of an earlier call which a store says have expired: others are given where there are any
 * @returns undefined where requests are to be anonymous
 * @throws StorageError where there should be some, but they cannot be had
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
  /** @default by the clock */
  readonly pause?: Pause;
};

/**
 * The identity that the variables of `environment` give to this process, as AWS tools read them. The first that is there
 * counts: a key, a role for a web identity (EKS: IAM roles for service accounts), credentials of a container (EKS Pod
 * Identity, ECS), none. Nothing is asked for before credentials are needed; temporary ones are then kept for all requests.
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

import { hostname } from "node:os";
import { z } from "zod";
import type { AwsEnvironment } from "./aws-environment.ts";
import { fetchCredentials, readToken, unavailable, type Refusal } from "./identity-service.ts";
import type { TemporaryCredentials } from "./refreshed-credentials.ts";
import type { Pause } from "../retry.ts";
import { stsEndpoint } from "./sts-endpoint.ts";
import { xmlReader } from "./xml.ts";

/**
 * Exchanges the token in the file `AWS_WEB_IDENTITY_TOKEN_FILE` for credentials of the role `AWS_ROLE_ARN`, with STS's
 * AssumeRoleWithWebIdentity. Undefined without these variables.
 */
export const webIdentityCredentials = (
  variables: AwsEnvironment,
  pause: Pause,
): (() => Promise<TemporaryCredentials>) | undefined => {
  const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: file } = variables;
  if (role === undefined || file === undefined) return undefined;
  const session = variables.AWS_ROLE_SESSION_NAME ?? ownSession();
  return async () => {
    const endpoint = stsEndpoint(variables);
    if (endpoint === undefined) {
      throw unavailable(`the role ${role}`, "AWS_ENDPOINT_URL_STS is no URL, or AWS_REGION no region");
    }
    const what = `the role ${role} from ${endpoint.host}`;
    const request = async () => {
      const token = await readToken(what, file);
      const form = new URLSearchParams({
        Action: "AssumeRoleWithWebIdentity",
        Version: "2011-06-15",
        RoleArn: role,
        RoleSessionName: session,
        WebIdentityToken: token,
      });
      const headers = { accept: "application/xml", "content-type": "application/x-www-form-urlencoded" };
      return { method: "POST", url: endpoint.href, headers, body: form.toString(), token } as const;
    };
    return fetchCredentials({ what, request, parse: parseCredentials, refusal: parseRefusal }, pause);
  };
};

/** The session name by which AWS's logs identify the runner. A pod's hostname is its own name. */
const ownSession = (): string => `edgefold-${hostname().replaceAll(/[^\w+=,.@-]/g, "-")}`.slice(0, 64);

const read = xmlReader([]);

const AnswerSchema = z.object({
  AssumeRoleWithWebIdentityResponse: z.object({
    AssumeRoleWithWebIdentityResult: z.object({
      Credentials: z.object({
        AccessKeyId: z.string().min(1),
        SecretAccessKey: z.string().min(1),
        SessionToken: z.string().min(1),
        Expiration: z.string().pipe(z.coerce.date()),
      }),
    }),
  }),
});

const parseCredentials = (text: string): TemporaryCredentials => {
  const { AssumeRoleWithWebIdentityResponse: answer } = read(text, AnswerSchema);
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.AssumeRoleWithWebIdentityResult.Credentials;
  return {
    credentials: { username: AccessKeyId, password: SecretAccessKey, sessionToken: SessionToken },
    expires: Expiration.getTime(),
  };
};

const RefusalSchema = z.object({
  ErrorResponse: z.object({ Error: z.object({ Code: z.string().min(1), Message: z.string().default("") }) }),
});

const parseRefusal = (text: string): Refusal | undefined => {
  try {
    const { Code: code, Message: message } = read(text, RefusalSchema).ErrorResponse.Error;
    return { code, message: message === "" ? "it refuses" : message };
  } catch {
    return undefined;
  }
};

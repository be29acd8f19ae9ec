import { isIPv4 } from "node:net";
import { z } from "zod";
import { parseJson } from "../../shared/json.ts";
import type { AwsEnvironment } from "./aws-environment.ts";
import { fetchCredentials, readToken, unavailable, type Refusal } from "./identity-service.ts";
import type { TemporaryCredentials } from "./refreshed-credentials.ts";
import type { Pause } from "../retry.ts";
import { MalformedAnswerError } from "./xml.ts";

/** The address of ECS's agent on every machine. */
const ecsHost = "169.254.170.2";

/** The hosts that may be asked without TLS, besides 127.0.0.0/8: ECS's agent, EKS's Pod Identity agent, this machine. */
const plainHosts: ReadonlySet<string> = new Set([ecsHost, "169.254.170.23", "[fd00:ec2::23]", "[::1]", "localhost"]);

/**
 * Fetches credentials from the agent that serves this container, at `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` (ECS) or
 * `AWS_CONTAINER_CREDENTIALS_FULL_URI` (EKS Pod Identity). Undefined without these variables.
 */
export const containerCredentials = (
  variables: AwsEnvironment,
  pause: Pause,
): (() => Promise<TemporaryCredentials>) | undefined => {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = variables;
  const address = path === undefined ? full : `http://${ecsHost}${path}`;
  if (address === undefined) return undefined;
  return async () => {
    const url = endpoint(address);
    const what = `the container from ${url.host}`;
    const request = async () => {
      const token = await tokenOf(what, variables);
      const headers = { accept: "application/json", ...(token === undefined ? {} : { authorization: token }) };
      return { method: "GET", url: url.href, headers, token } as const;
    };
    return fetchCredentials({ what, request, parse: parseCredentials, refusal: parseRefusal }, pause);
  };
};

/** @throws StorageError `CredentialsUnavailable` if this is not a URL, or if others could read the token on the way */
const endpoint = (address: string): URL => {
  const url = URL.parse(address);
  if (url === null) throw unavailable("the container", "AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL");
  const isLocal = plainHosts.has(url.hostname) || (isIPv4(url.hostname) && url.hostname.startsWith("127."));
  if (url.protocol === "https:" || (url.protocol === "http:" && isLocal)) return url;
  throw unavailable("the container", `without https, ${url.host} is not trusted with the token`);
};

const tokenOf = async (what: string, variables: AwsEnvironment): Promise<string | undefined> => {
  const { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } = variables;
  return file === undefined ? token : readToken(what, file);
};

const AnswerSchema = z.object({
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  Token: z.string().min(1),
  Expiration: z.string().pipe(z.coerce.date()),
});

const parseCredentials = (text: string): TemporaryCredentials => {
  const { data, error } = AnswerSchema.safeParse(parseJson(text));
  if (error !== undefined) throw new MalformedAnswerError(z.prettifyError(error));
  const { AccessKeyId: username, SecretAccessKey: password, Token: sessionToken, Expiration } = data;
  return { credentials: { username, password, sessionToken }, expires: Expiration.getTime() };
};

const RefusalSchema = z
  .object({ code: z.string(), Code: z.string(), message: z.string(), Message: z.string() })
  .partial();

/** ECS's agent answers with JSON, EKS's with a line of text: `[request id]: (AccessDeniedException): …`. */
const parseRefusal = (text: string): Refusal | undefined => {
  const { data } = RefusalSchema.safeParse(parseJson(text));
  const code = data?.Code ?? data?.code ?? /\(([A-Z]\w+)\): /.exec(text)?.[1];
  const message = data?.Message ?? data?.message ?? text.trim().slice(0, 1000);
  return message === "" ? undefined : { code, message };
};

import { readFile } from "node:fs/promises";
import { request } from "undici";
import { Dispatchers } from "../proxy.ts";
import { boundedText } from "./bounded-text.ts";
import { codeOfStatus, networkFailure } from "./http-failure.ts";
import type { TemporaryCredentials } from "./refreshed-credentials.ts";
import { retrying, type Pause } from "../retry.ts";
import type { Failure } from "./failure-class.ts";
import { retryOf } from "./patience.ts";
import { StorageError } from "./store.ts";
import { MalformedAnswerError } from "./xml.ts";

type IdentityRequest = {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The proof of identity. It is removed from all error messages, even if the service echoes it. */
  readonly token: string | undefined;
};

/** A service that issues temporary credentials to a caller that proves its identity. */
export type IdentityService = {
  /** Whose credentials are requested and from where, such as `the role arn:… from sts.eu-west-1.amazonaws.com`. */
  readonly what: string;
  /** Called for each try, because the token can change between tries. */
  readonly request: () => Promise<IdentityRequest>;
  /** @throws MalformedAnswerError */
  readonly parse: (text: string) => TemporaryCredentials;
  /** Parses the body of an answer other than a success. Undefined if it gives no reason. */
  readonly refusal: (text: string) => Refusal | undefined;
};

export type Refusal = {
  /** Undefined if the service sends none; `codeOfStatus` then supplies one. */
  readonly code?: string | undefined;
  readonly message: string;
};

/** The reason why there are no credentials. It is not an `S3Error`, so the S3 request that needs them is not retried. */
class IdentityError extends StorageError {
  constructor(what: string, { code, status }: Failure, why: string) {
    super(code, `cannot get credentials of ${what}: ${why} (${code})`, { status });
  }
}

/** The error for an environment that is incomplete or invalid. */
export const unavailable = (what: string, why: string): StorageError =>
  new IdentityError(what, { code: "CredentialsUnavailable" }, why);

/** Reads a token from a file. @throws StorageError `CredentialsUnavailable` if that fails or the file is empty */
export const readToken = async (what: string, file: string): Promise<string> => {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw unavailable(what, `the token cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (text.trim() === "") throw unavailable(what, `the token's file ${file} is empty`);
  return text.trim();
};

/** Fetches credentials, retrying transient failures. @throws StorageError with the service's own code and message */
export const fetchCredentials = (service: IdentityService, pause: Pause): Promise<TemporaryCredentials> =>
  retrying(
    () => ask(service),
    (error) => (error instanceof IdentityError ? retryOf(error) : undefined),
    pause,
    undefined,
  );

/** In bytes. A longer answer is treated as empty. */
const longestAnswer = 1024 * 1024;

const ask = async (service: IdentityService): Promise<TemporaryCredentials> => {
  const { what, parse, refusal } = service;
  const asked = await service.request();
  const { status, text } = await send(what, asked);
  if (status !== 200) {
    const { code = codeOfStatus(status), message } = refusal(text) ?? {
      message: `it answered with status ${status} and no reason`,
    };
    throw new IdentityError(what, { code, status }, without(asked.token, message));
  }
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof MalformedAnswerError)
      throw new IdentityError(what, { code: "MalformedAnswer" }, error.message);
    throw error;
  }
};

const send = async (
  what: string,
  { method, url, headers, body }: IdentityRequest,
): Promise<{ readonly status: number; readonly text: string }> => {
  // These serve a single request, because the next one is an hour away. The environment, not a user, sets the service's address,
  // so it may be link-local, as those of EKS and ECS are.
  const dispatchers = new Dispatchers({ headersTimeout: 10_000, bodyTimeout: 10_000 });
  try {
    const answer = await request(url, {
      dispatcher: dispatchers.for(new URL(url)),
      method,
      headers,
      body: body ?? null,
    });
    return { status: answer.statusCode, text: (await boundedText(answer.body, longestAnswer)) ?? "" };
  } catch (error) {
    const { code, why } = networkFailure(error);
    throw new IdentityError(what, { code }, why);
  } finally {
    await dispatchers.destroy();
  }
};

const without = (token: string | undefined, message: string): string =>
  token === undefined ? message : message.replaceAll(token, "…");

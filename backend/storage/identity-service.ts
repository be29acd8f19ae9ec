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
  /** What proves the identity; no message holds it, even where the service repeats it. */
  readonly token: string | undefined;
};

/** A service that gives temporary credentials to whoever proves an identity. */
export type IdentityService = {
  /** What is asked for and of whom, `the role arn:… from sts.eu-west-1.amazonaws.com`. */
  readonly what: string;
  /** Called for each try, as the token may have changed since. */
  readonly request: () => Promise<IdentityRequest>;
  /** @throws MalformedAnswerError */
  readonly parse: (text: string) => TemporaryCredentials;
  /** What the service says in an answer that is no success; undefined where it says nothing. */
  readonly refusal: (text: string) => Refusal | undefined;
};

export type Refusal = {
  /** That of the status where the service tells none. */
  readonly code?: string | undefined;
  readonly message: string;
};

/** Why there are no credentials. It is no `S3Error`: whoever asked for them need not try again. */
class IdentityError extends StorageError {
  constructor(what: string, { code, status }: Failure, why: string) {
    super(code, `cannot get credentials of ${what}: ${why} (${code})`, { status });
  }
}

/** The error for an environment that does not say enough, or says what cannot be. */
export const unavailable = (what: string, why: string): StorageError =>
  new IdentityError(what, { code: "CredentialsUnavailable" }, why);

/** @throws StorageError `CredentialsUnavailable` */
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

/** Asks until there is an answer, or a refusal that lasts. @throws StorageError with the service's own code and message */
export const fetchCredentials = (service: IdentityService, pause: Pause): Promise<TemporaryCredentials> =>
  retrying(
    () => ask(service),
    (error) => (error instanceof IdentityError ? retryOf(error) : undefined),
    pause,
    undefined,
  );

/** In bytes; a longer answer counts as one without words. */
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
  // For a single request, as the next one is an hour away. Where the service is, the environment says and no user: it may be
  // link-local, as EKS's and ECS's are.
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

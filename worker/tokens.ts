import type { Env } from "./env.ts";
import { signingKey } from "./keys.ts";

const base64url = { alphabet: "base64url", omitPadding: true } as const;

const sign = async (env: Env, purpose: "runner-token" | "request-fingerprint", text: string): Promise<string> => {
  const key = await signingKey(env, purpose);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text))).toBase64(base64url);
};

/** The token that a job's runners show: `<jobId>.<signature>`. It opens that job and no other. */
export const signRunnerToken = async (env: Env, jobId: string): Promise<string> =>
  `${jobId}.${await sign(env, "runner-token", jobId)}`;

/** The job that a runner's token is for, or null where it is no token of ours. Takes the same time for every signature. */
export const verifyRunnerToken = async (env: Env, token: string): Promise<string | null> => {
  const dot = token.lastIndexOf(".");
  if (dot < 1) return null;
  const jobId = token.slice(0, dot);
  let signature: Uint8Array<ArrayBuffer>;
  try {
    signature = Uint8Array.fromBase64(token.slice(dot + 1), base64url);
  } catch {
    return null;
  }
  const key = await signingKey(env, "runner-token");
  return (await crypto.subtle.verify("HMAC", key, signature, new TextEncoder().encode(jobId))) ? jobId : null;
};

/** Tells requests apart without keeping what they hold: keyed, as a request holds passwords. */
export const fingerprint = async (env: Env, request: unknown): Promise<string> =>
  await sign(env, "request-fingerprint", JSON.stringify(request));

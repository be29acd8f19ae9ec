import type { Env } from "./env.ts";
import { currentKey, knownKeys } from "./keys.ts";

const base64url = { alphabet: "base64url", omitPadding: true } as const;

/** The token that a job's runners show: `<jobId>.<signature>`. It opens that job and no other. */
export const signRunnerToken = async (env: Env, jobId: string): Promise<string> => {
  const key = await currentKey(env).signing("runner-token");
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(jobId));
  return `${jobId}.${new Uint8Array(signature).toBase64(base64url)}`;
};

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
  for (const secret of knownKeys(env)) {
    const key = await secret.signing("runner-token");
    if (await crypto.subtle.verify("HMAC", key, signature, new TextEncoder().encode(jobId))) return jobId;
  }
  return null;
};

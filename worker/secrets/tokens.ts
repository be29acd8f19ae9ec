import type { Env } from "../env.ts";
import { currentKey, knownKeys } from "./keys.ts";

const base64url = { alphabet: "base64url", omitPadding: true } as const;

/** What a runner's token grants: access to that job and no other, until `expires`, in ms since 1970. */
type RunnerClaim = { readonly jobId: string; readonly expires: number };

/** `<jobId>.<expires in s since 1970>`, and the signature of that. */
const tokenForm = /^([0-9A-Za-z-]{1,64}\.(\d{1,12}))\.([\w-]{43})$/;

/** Signs a token for the runners of a job. */
export const signRunnerToken = async (env: Env, { jobId, expires }: RunnerClaim): Promise<string> => {
  const claim = `${jobId}.${Math.ceil(expires / 1000)}`;
  const key = await currentKey(env).signing("runner-token");
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(claim));
  return `${claim}.${new Uint8Array(signature).toBase64(base64url)}`;
};

/**
 * What a runner's token grants, or null if we have not signed it. Takes the same time for every signature. The caller must check
 * whether it has expired.
 */
export const verifyRunnerToken = async (env: Env, token: string): Promise<RunnerClaim | null> => {
  const [, claim, seconds, text] = tokenForm.exec(token) ?? [];
  if (claim === undefined || seconds === undefined || text === undefined) return null;
  const signature = Uint8Array.fromBase64(text, base64url);
  for (const secret of knownKeys(env)) {
    const key = await secret.signing("runner-token");
    if (await crypto.subtle.verify("HMAC", key, signature, new TextEncoder().encode(claim))) {
      return { jobId: claim.slice(0, claim.indexOf(".")), expires: Number(seconds) * 1000 };
    }
  }
  return null;
};

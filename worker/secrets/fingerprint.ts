import type { Env } from "../env.ts";
import { knownKeys, type SecretKey } from "./keys.ts";

const fingerprint = async (secret: SecretKey, text: string): Promise<string> => {
  const key = await secret.signing("request-fingerprint");
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
};

/**
 * Tell requests apart without keeping what they hold: keyed, as a request holds passwords. The first is to be kept; the others
 * are those that the same request may have got under another key.
 */
export const fingerprints = async (env: Env, request: unknown): Promise<string[]> => {
  const text = JSON.stringify(request);
  return await Promise.all(knownKeys(env).map(async (secret) => await fingerprint(secret, text)));
};

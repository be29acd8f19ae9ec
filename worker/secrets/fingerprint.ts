import type { Env } from "../env.ts";
import { knownKeys, type SecretKey } from "./keys.ts";

const fingerprint = async (secret: SecretKey, text: string): Promise<string> => {
  const key = await secret.signing("request-fingerprint");
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
};

/**
 * Fingerprints of a request, by which a repetition is recognized although the request is not kept. They are keyed, since a request
 * holds passwords. The first is the one to keep; the others are those that the same request has under other keys.
 */
export const fingerprintsOf = async (env: Env, request: unknown): Promise<string[]> => {
  const text = JSON.stringify(request);
  return await Promise.all(knownKeys(env).map(async (secret) => await fingerprint(secret, text)));
};

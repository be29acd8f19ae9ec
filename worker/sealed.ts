import type { Env } from "./env.ts";
import { sealingKey } from "./keys.ts";

/** Bytes of the initialisation vector, as NIST SP 800-38D recommends for GCM. */
const ivBytes = 12;

const gcm = (iv: Uint8Array<ArrayBuffer>, jobId: string) => ({
  name: "AES-GCM",
  iv,
  additionalData: new TextEncoder().encode(jobId),
});

/** Encrypts a job's storage credentials; what comes out opens under the same job's id only. */
export const sealCredentials = async (env: Env, jobId: string, plain: string): Promise<string> => {
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
  const key = await sealingKey(env, "credentials");
  const sealed = new Uint8Array(await crypto.subtle.encrypt(gcm(iv, jobId), key, new TextEncoder().encode(plain)));
  const both = new Uint8Array(ivBytes + sealed.length);
  both.set(iv);
  both.set(sealed, ivBytes);
  return both.toBase64();
};

/** What `sealCredentials` was given. Rejects where the job, the key or a byte is another. */
export const openCredentials = async (env: Env, jobId: string, sealed: string): Promise<string> => {
  const both = Uint8Array.fromBase64(sealed);
  const key = await sealingKey(env, "credentials");
  const plain = await crypto.subtle.decrypt(gcm(both.slice(0, ivBytes), jobId), key, both.slice(ivBytes));
  return new TextDecoder().decode(plain);
};

import type { Env } from "../env.ts";
import { currentKey, knownKeys } from "./keys.ts";

/** Bytes of the initialisation vector, as NIST SP 800-38D recommends for GCM. */
const ivBytes = 12;

const gcm = (iv: Uint8Array<ArrayBuffer>, keyId: string, jobId: string) => ({
  name: "AES-GCM",
  iv,
  additionalData: new TextEncoder().encode(`${keyId}.${jobId}`),
});

/** Sealed credentials cannot be opened: their key is no longer known, or they were changed. */
export class UnopenableError extends Error {
  override name = "UnopenableError";
}

/**
 * Encrypts a job's storage credentials; what comes out opens under the same job's id only.
 *
 * @returns `<key id>.<base64 of vector and ciphertext>`
 */
export const sealCredentials = async (env: Env, jobId: string, plain: string): Promise<string> => {
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
  const secret = currentKey(env);
  const id = await secret.id();
  const key = await secret.sealing("credentials");
  const sealed = new Uint8Array(await crypto.subtle.encrypt(gcm(iv, id, jobId), key, new TextEncoder().encode(plain)));
  const both = new Uint8Array(ivBytes + sealed.length);
  both.set(iv);
  both.set(sealed, ivBytes);
  return `${id}.${both.toBase64()}`;
};

/** Decrypts what `sealCredentials` returned. @throws UnopenableError if the job, the key or any byte differs */
export const openCredentials = async (env: Env, jobId: string, sealed: string): Promise<string> => {
  const dot = sealed.indexOf(".");
  const sealedBy = sealed.slice(0, Math.max(0, dot));
  for (const secret of knownKeys(env)) {
    const id = await secret.id();
    if (id !== sealedBy) continue;
    try {
      const both = Uint8Array.fromBase64(sealed.slice(dot + 1));
      const key = await secret.sealing("credentials");
      const plain = await crypto.subtle.decrypt(gcm(both.slice(0, ivBytes), id, jobId), key, both.slice(ivBytes));
      return new TextDecoder().decode(plain);
    } catch (error) {
      throw new UnopenableError("they are damaged, or belong to another job", { cause: error });
    }
  }
  throw new UnopenableError("they were sealed with a key that is neither SECRET_KEY nor SECRET_KEY_PREVIOUS");
};

import type { Env } from "../env.ts";
import { currentKey, knownKeys } from "./keys.ts";

/** Bytes of the initialisation vector, as NIST SP 800-38D recommends for GCM. */
const ivBytes = 12;

const gcm = (iv: Uint8Array<ArrayBuffer>, keyId: string, jobId: string) => ({
  name: "AES-GCM",
  iv,
  additionalData: new TextEncoder().encode(`${keyId}.${jobId}`),
});

/** What was sealed cannot be opened: its key is not known any more, or it is not what was sealed. */
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

/** What `sealCredentials` was given. @throws UnopenableError where the job, the keys or a byte is another */
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
      throw new UnopenableError("what was sealed is damaged, or another job's", { cause: error });
    }
  }
  throw new UnopenableError("it was sealed with a key that is neither SECRET_KEY nor SECRET_KEY_PREVIOUS");
};

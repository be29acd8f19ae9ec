import type { Env } from "./env.ts";

/** What a derived key is for: keys of different purposes have nothing in common. */
type Purpose = "runner-token" | "credentials" | "request-fingerprint";

const master = async (env: Env): Promise<CryptoKey> => {
  if (env.SECRET_KEY === undefined) throw new Error("SECRET_KEY is not set");
  return await crypto.subtle.importKey("raw", new TextEncoder().encode(env.SECRET_KEY), "HKDF", false, ["deriveKey"]);
};

const hkdf = (purpose: Purpose) => ({
  name: "HKDF",
  hash: "SHA-256",
  salt: new Uint8Array(),
  info: new TextEncoder().encode(purpose),
});

/** A key for HMAC-SHA256, derived from `SECRET_KEY`. */
export const signingKey = async (env: Env, purpose: Purpose): Promise<CryptoKey> =>
  await crypto.subtle.deriveKey(
    hkdf(purpose),
    await master(env),
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );

/** A key for AES-256-GCM, derived from `SECRET_KEY`. */
export const sealingKey = async (env: Env, purpose: Purpose): Promise<CryptoKey> =>
  await crypto.subtle.deriveKey(hkdf(purpose), await master(env), { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);

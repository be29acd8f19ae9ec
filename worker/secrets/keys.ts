import type { Env } from "../env.ts";

/** What a derived key is for: keys of different purposes have nothing in common. */
type Purpose = "runner-token" | "credentials" | "request-fingerprint" | "key-id" | "notification";

/** Bits of a key's id: enough that two keys never share one, and none that helps to find the key. */
const idBits = 64;

/** Bits of a key that is given to others as a text. */
const textBits = 256;

/** One of the secret keys, from which all keys that are used are derived (HKDF, RFC 5869). */
export class SecretKey {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Identifies the key without revealing it: 16 hex digits. */
  async id(): Promise<string> {
    return await this.#hex("key-id", idBits);
  }

  /** A key that others have, too: 64 hex digits. */
  async text(purpose: Purpose): Promise<string> {
    return await this.#hex(purpose, textBits);
  }

  /** A key for HMAC-SHA256. */
  async signing(purpose: Purpose): Promise<CryptoKey> {
    const algorithm = { name: "HMAC", hash: "SHA-256", length: 256 };
    return await crypto.subtle.deriveKey(hkdf(purpose), await this.#master(), algorithm, false, ["sign", "verify"]);
  }

  /** A key for AES-256-GCM. */
  async sealing(purpose: Purpose): Promise<CryptoKey> {
    const algorithm = { name: "AES-GCM", length: 256 };
    return await crypto.subtle.deriveKey(hkdf(purpose), await this.#master(), algorithm, false, ["encrypt", "decrypt"]);
  }

  async #hex(purpose: Purpose, bits: number): Promise<string> {
    return new Uint8Array(await crypto.subtle.deriveBits(hkdf(purpose), await this.#master(), bits)).toHex();
  }

  async #master(): Promise<CryptoKey> {
    const usages = ["deriveKey", "deriveBits"];
    return await crypto.subtle.importKey("raw", new TextEncoder().encode(this.#text), "HKDF", false, usages);
  }
}

const hkdf = (purpose: Purpose) => ({
  name: "HKDF",
  hash: "SHA-256",
  salt: new Uint8Array(),
  info: new TextEncoder().encode(purpose),
});

/** The key that signs and seals everything new. */
export const currentKey = (env: Env): SecretKey => {
  if (env.SECRET_KEY === undefined) throw new Error("SECRET_KEY is not set");
  return new SecretKey(env.SECRET_KEY);
};

/** The keys that can verify and open: the current one first, then the previous one while keys are changed. */
export const knownKeys = (env: Env): SecretKey[] => {
  const other = env.SECRET_KEY_PREVIOUS ?? "";
  return other === "" ? [currentKey(env)] : [currentKey(env), new SecretKey(other)];
};

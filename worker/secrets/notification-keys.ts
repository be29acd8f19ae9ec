import type { Env } from "../env.ts";
import { knownKeys } from "./keys.ts";

/** The keys that notifications are signed with, as texts. Receivers get them from an admin. */
export const notificationKeys = async (env: Env): Promise<string[]> =>
  await Promise.all(knownKeys(env).map(async (secret) => await secret.text("notification")));

const hmac = { name: "HMAC", hash: "SHA-256" } as const;

const sign = async (text: string, key: string): Promise<string> => {
  const encoder = new TextEncoder();
  const signing = await crypto.subtle.importKey("raw", encoder.encode(key), hmac, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", signing, encoder.encode(text))).toHex();
};

/**
 * What proves that a body is ours, and when it was sent. There is a signature by each key, so that a receiver that has either key
 * can check it while keys are changed.
 *
 * @param time in ms since 1970
 * @returns `t=<seconds since 1970>,v1=<HMAC-SHA256 of "<t>.<body>", in hex>`
 */
export const signNotification = async (env: Env, time: number, body: string): Promise<string> => {
  const seconds = Math.floor(time / 1000);
  const keys = await notificationKeys(env);
  const signatures = await Promise.all(keys.map(async (key) => await sign(`${seconds}.${body}`, key)));
  return [`t=${seconds}`, ...signatures.map((signature) => `v1=${signature}`)].join(",");
};

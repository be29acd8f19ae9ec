import type { Token } from "../../shared/api/tokens.ts";
import { registryOf, type Env } from "../env.ts";
import { hashToken, isIssuedToken } from "../secrets/api-tokens.ts";

/** How long an isolate remembers a token, in ms: so long one that was deleted, or replaced, can still be used. */
const memoryMs = 60_000;

/** The most tokens that an isolate remembers; beyond that those go first that came first. */
const maxRemembered = 1000;

/** Tokens by their hashes, and until when they are remembered, in ms since 1970. */
const remembered = new Map<string, { readonly token: Token; readonly until: number }>();

/** The token that was issued with this text, if it still is one. Whether it has expired is the caller's to check. */
export const findIssuedToken = async (env: Env, text: string): Promise<Token | null> => {
  if (!isIssuedToken(text)) return null;
  const hash = await hashToken(text);
  const now = Date.now();
  const known = remembered.get(hash);
  if (known !== undefined && known.until > now) return known.token;
  remembered.delete(hash);
  const token = await registryOf(env).findToken(hash);
  if (token === null) return null;
  const [oldest] = remembered.keys();
  if (remembered.size >= maxRemembered && oldest !== undefined) remembered.delete(oldest);
  remembered.set(hash, { token, until: now + memoryMs });
  return token;
};

import { clientAddress } from "./client-address.ts";
import type { Env } from "../env.ts";
import { ProblemError } from "./problems.ts";

/** The periods of the limits in `wrangler.toml`, in seconds. */
const callsPeriod = 10;
const guessesPeriod = 60;

const tooMany = (detail: string, seconds: number): ProblemError =>
  new ProblemError("rate-limited", detail, { headers: { "Retry-After": String(seconds) } });

/** Whether one more is allowed. A limit that is not configured, or cannot be checked, allows everything. */
const isAllowed = async (limit: RateLimit | undefined, key: string): Promise<boolean> => {
  if (limit === undefined) return true;
  try {
    return (await limit.limit({ key })).success;
  } catch (error) {
    console.warn("a rate limit could not be checked", error);
    return true;
  }
};

/** Counts a user's call by the name of the token. @throws ProblemError 429 */
export const countCall = async (env: Env, name: string): Promise<void> => {
  if (await isAllowed(env.CALL_LIMIT, name)) return;
  throw tooMany(`Too many requests were made with the token of '${name}'. Try again in ${callsPeriod} s.`, callsPeriod);
};

/** Addresses that sent too many wrong tokens, and until when none of their tokens is looked at, in ms since 1970. */
const guessers = new Map<string, number>();

/** The most addresses that are remembered; beyond that the oldest go first. */
const maxGuessers = 10_000;

const tooManyGuesses = (): ProblemError =>
  tooMany(`Too many wrong tokens were sent from this address. Try again in ${guessesPeriod} s.`, guessesPeriod);

/**
 * Must be called before a user's token is looked at: while its address is guessing, a right token is refused as a wrong one is, so
 * that guesses reveal nothing. The binding cannot be asked without counting, so each isolate remembers what it answered.
 *
 * @throws ProblemError 429
 */
export const refuseGuessing = (request: Request): void => {
  const address = clientAddress(request);
  const until = guessers.get(address);
  if (until === undefined) return;
  if (until > Date.now()) throw tooManyGuesses();
  guessers.delete(address);
};

/**
 * Counts a wrong token.
 *
 * @param audience counted apart: runners whose job is long gone must not lock out users who share their address
 * @returns the refusal or, if there were too many wrong tokens, that problem
 */
export const countGuess = async (
  env: Env,
  request: Request,
  audience: "api" | "link",
  refusal: ProblemError,
): Promise<ProblemError> => {
  const address = clientAddress(request);
  if (await isAllowed(env.GUESS_LIMIT, `${audience} ${address}`)) return refusal;
  if (audience === "api") {
    guessers.delete(address);
    guessers.set(address, Date.now() + guessesPeriod * 1000);
    const [oldest] = guessers.keys();
    if (guessers.size > maxGuessers && oldest !== undefined) guessers.delete(oldest);
  }
  return tooManyGuesses();
};

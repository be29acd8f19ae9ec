import type { Credentials } from "../../shared/api/storage-access.ts";

export type TemporaryCredentials = {
  readonly credentials: Credentials;
  /** Milliseconds since 1970. */
  readonly expires: number;
};

/** How long before their end credentials are replaced, in ms. */
const refreshMs = 5 * 60_000;

/** The least time, in ms, between two attempts to replace credentials that are still valid. */
const retryMs = 60_000;

/**
 * Credentials that are replaced before they expire: requests go on with those that are valid, and wait only where there are
 * none. What keeps them from being replaced is told once they have expired, or a store says so.
 *
 * @param now milliseconds since 1970
 * @returns a source of credentials
 */
export const refreshedCredentials = (
  fetch: () => Promise<TemporaryCredentials>,
  now: () => number,
): ((refused?: Credentials) => Promise<Credentials>) => {
  let held: TemporaryCredentials | undefined;
  let asked = 0;
  let underWay: Promise<Credentials> | undefined;
  const replace = async (): Promise<Credentials> => {
    held = await fetch();
    return held.credentials;
  };
  const replaced = (): Promise<Credentials> => {
    asked = now();
    underWay ??= replace().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  return async (refused) => {
    if (held === undefined || held.credentials === refused || held.expires <= now()) return replaced();
    if (held.expires - now() <= refreshMs && now() - asked >= retryMs) replaced().catch(() => undefined);
    return held.credentials;
  };
};

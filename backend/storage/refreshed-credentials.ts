import type { Credentials } from "../../shared/api/storage-access.ts";

export type TemporaryCredentials = {
  readonly credentials: Credentials;
  /** Milliseconds since 1970. */
  readonly expires: number;
};

/** How long before expiry credentials are replaced, in milliseconds. */
const refreshMs = 5 * 60_000;

/** The minimum time between two attempts to replace credentials that are still valid, in milliseconds. */
const retryMs = 60_000;

/**
 * Replaces credentials before they expire. Requests keep using valid credentials and wait only if there are none. A failure to
 * replace them is reported only once they have expired, or once a store reports them as expired.
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

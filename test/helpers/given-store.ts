import type { Credentials } from "../../shared/api/storage-access.ts";

/** An S3 server on this machine that an environment variable names for a test. */
type GivenStore = { readonly endpoint: URL; readonly bucket: string; readonly credentials: Credentials };

/**
 * Reads `http://user:password@127.0.0.1:9000/bucket`.
 * @param variable the environment variable that holds it
 */
export const givenStore = (variable: string, address: string): GivenStore => {
  const { username, password, hostname, host, pathname } = new URL(address);
  if (hostname !== "127.0.0.1" && hostname !== "localhost") {
    throw new Error(`${variable} must be on 127.0.0.1 or localhost`);
  }
  return {
    endpoint: new URL(`http://${host}`),
    bucket: decodeURIComponent(pathname.slice(1)),
    credentials: { username: decodeURIComponent(username), password: decodeURIComponent(password) },
  };
};

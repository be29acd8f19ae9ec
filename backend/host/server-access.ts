import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { HostAccess } from "./local-access.ts";

/** The secrets of a host that serves other users, too. They are generated once, and kept next to the state. */

const SecretsSchema = z.object({
  /** The token of the first admin, who issues the tokens of other users. */
  adminToken: z.string(),
  agentToken: z.string(),
  /** Encrypts the credentials of jobs, and signs notifications and runners' tokens. */
  secretKey: z.string(),
  storageKeys: z.object({ username: z.string(), password: z.string() }),
});
type Secrets = z.infer<typeof SecretsSchema>;

const random = (): string => randomBytes(32).toString("base64url");

const makeSecrets = (): Secrets => ({
  adminToken: random(),
  agentToken: random(),
  secretKey: random(),
  storageKeys: { username: randomBytes(10).toString("hex"), password: random() },
});

const readSecrets = (file: string): Secrets => {
  if (existsSync(file)) return SecretsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const secrets = makeSecrets();
  writeFileSync(file, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return secrets;
};

/**
 * Returns the access to a host with this state. Creates it if there is none yet.
 * @param apiTokens used instead of the first admin's token, in the format of a deployed Worker's `API_TOKENS`
 * @returns the access, and the file that stores it, which only this user can read
 */
export const serverAccess = (
  stateDir: string,
  apiTokens: string | undefined,
): { readonly access: HostAccess; readonly file: string } => {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const file = join(stateDir, "access.json");
  const { adminToken, agentToken, secretKey, storageKeys } = readSecrets(file);
  const variables = {
    API_TOKENS: apiTokens || `admin/admin=${adminToken}`,
    AGENT_TOKENS: `default=${agentToken}`,
    SECRET_KEY: secretKey,
  };
  return { access: { variables, agentToken, keys: storageKeys }, file };
};

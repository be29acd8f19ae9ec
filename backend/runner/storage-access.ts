import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CredentialsSchema, type Credentials, type StorageAccess } from "../../shared/api/storage-access.ts";
import { hasCode } from "../storage/file-failure.ts";
import { StorageError } from "../storage/store.ts";
import type { RunnerConfig } from "./config.ts";

/**
 * Returns a job's credentials for a store: those in the job itself, or those of a Secret that the pod mounts as files. The files
 * are read for each attempt, so changes to a Secret take effect.
 * @throws StorageError `CredentialsUnavailable` if the Secret does not exist here or lacks a key
 */
export const credentialsOf = (
  access: StorageAccess | undefined,
  { CREDENTIALS_DIR }: Pick<RunnerConfig, "CREDENTIALS_DIR">,
): Credentials | undefined => {
  if (access === undefined || !("secretName" in access)) return access;
  const { secretName } = access;
  if (CREDENTIALS_DIR === undefined) {
    throw unavailable(`the Secret '${secretName}' cannot be used here: this cluster's runners are no pods`);
  }
  const folder = join(CREDENTIALS_DIR, secretName);
  const found = CredentialsSchema.safeParse(
    Object.fromEntries(Object.keys(CredentialsSchema.shape).map((key) => [key, readKey(folder, key)])),
  );
  if (found.success) return found.data;
  const missing = found.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw unavailable(`the Secret '${secretName}' lacks ${missing}`);
};

const readKey = (folder: string, key: string): string | undefined => {
  try {
    return readFileSync(join(folder, key), "utf8").trim();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
};

/** The error for values that a Secret should provide but does not. */
export const unavailable = (message: string): StorageError => new StorageError("CredentialsUnavailable", message);

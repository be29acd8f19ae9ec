import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CredentialsSchema, type Credentials, type StorageAccess } from "../../shared/api/storage-access.ts";
import { hasCode } from "../storage/file-failure.ts";
import { StorageError } from "../storage/store.ts";
import type { RunnerConfig } from "./config.ts";

/**
 * A job's credentials of a store: those that it brings, or those of a Secret, which the pod has as files. They are read for
 * each attempt, so that a Secret that changes is seen.
 * @throws StorageError `CredentialsUnavailable` where there is no such Secret here, or it lacks a key
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

/** What a Secret should have given is not there. */
export const unavailable = (message: string): StorageError => new StorageError("CredentialsUnavailable", message);

import { homedir } from "node:os";
import { join } from "node:path";

/** Where the command keeps what is its own (XDG Base Directory Specification 0.8). */

const baseOf = (variable: string, fallback: string): string => {
  const value = process.env[variable];
  // The specification has relative paths ignored.
  return join(value?.startsWith("/") === true ? value : join(homedir(), fallback), "edgefold");
};

/** Profiles, which hold tokens. */
export const profilesFile = (): string => join(baseOf("XDG_CONFIG_HOME", ".config"), "profiles.json");

/** The state of the local Edgefold: its jobs, artifacts and buckets. */
export const defaultStateDir = (): string => process.env["EDGEFOLD_STATE"] || baseOf("XDG_STATE_HOME", ".local/state");

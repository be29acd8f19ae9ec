import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { CommandError, exitCodes } from "../failure.ts";
import { profilesFile } from "./places.ts";

const ProfileSchema = z.object({ server: z.string(), token: z.string().optional() });
/** How to reach a server. */
export type Profile = z.infer<typeof ProfileSchema>;

const ProfilesSchema = z.object({
  /** The one that is used where none is named. */
  current: z.string().optional(),
  profiles: z.record(z.string(), ProfileSchema),
});
export type Profiles = z.infer<typeof ProfilesSchema>;

/** Reads the profiles of this user. @throws CommandError if the file is damaged */
export const readProfiles = (): Profiles => {
  const file = profilesFile();
  if (!existsSync(file)) return { profiles: {} };
  try {
    return ProfilesSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new CommandError(`${file} cannot be read`, exitCodes.failed, ["Mend or remove it, then log in again."], {
      cause,
    });
  }
};

/** Replaces the profiles, in a file that only this user can read. */
export const writeProfiles = (profiles: Profiles): void => {
  const file = profilesFile();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(profiles, undefined, 2)}\n`, { mode: 0o600 });
  // A file that was there already keeps its mode.
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
};

/** @throws CommandError if there is no profile of that name */
export const requireProfile = (name: string): Profile => {
  const { profiles } = readProfiles();
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile !== undefined) return profile;
  const names = Object.keys(profiles);
  throw new CommandError(`There is no profile '${name}'.`, exitCodes.usage, [
    names.length === 0 ? "Make one: edgefold login --server URL" : `There is ${names.join(", ")}.`,
  ]);
};

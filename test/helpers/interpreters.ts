import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * Whether to skip a test because a command that it needs (a name or an absolute path) is not installed.
 * Never with `REQUIRE_ALL_EXAMPLES=1`, so that the test fails instead.
 */
export const lacks = (...commands: readonly string[]): boolean => {
  if (process.env["REQUIRE_ALL_EXAMPLES"] === "1") return false;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return !commands.every((command) =>
    (isAbsolute(command) ? [command] : folders.map((folder) => join(folder, command))).some(isExecutable),
  );
};

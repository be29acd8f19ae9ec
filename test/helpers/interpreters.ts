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
 * Whether a test must be skipped because one of the commands that it needs (names, or absolute paths) is not installed.
 * With `REQUIRE_ALL_EXAMPLES=1` never, so that the test fails there instead.
 */
export const lacks = (...commands: readonly string[]): boolean => {
  if (process.env["REQUIRE_ALL_EXAMPLES"] === "1") return false;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return !commands.every((command) =>
    (isAbsolute(command) ? [command] : folders.map((folder) => join(folder, command))).some(isExecutable),
  );
};

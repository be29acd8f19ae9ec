import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { release } from "../../shared/release.ts";
import { imageCommands } from "./image-commands.ts";

const tools = ["docker", "podman"];

const isInstalled = (tool: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** `npm run image [-- NAME]`: builds the image and, with a name, pushes it as that. */
const main = (names: readonly string[]): number => {
  try {
    if (names.length > 1) throw new Error("usage: npm run image [-- NAME]");
    const tool = tools.find(isInstalled);
    if (tool === undefined) throw new Error(`needs ${tools.join(" or ")}, and finds neither on the PATH`);
    for (const command of imageCommands(tool, release, names[0])) {
      console.log(`$ ${command.join(" ")}`);
      const [file = "", ...options] = command;
      const cwd = fileURLToPath(new URL("../..", import.meta.url));
      const { status, error } = spawnSync(file, options, { cwd, stdio: "inherit" });
      if (error !== undefined) throw error;
      if (status !== 0) return status ?? 1;
    }
    return 0;
  } catch (error) {
    console.error(`image: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
};

process.exitCode = main(process.argv.slice(2));

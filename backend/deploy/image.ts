import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { release } from "../../shared/release.ts";
import { containerTool } from "./container-tool.ts";
import { imageCommands } from "./image-commands.ts";

/** `npm run image [-- NAME]`: builds the image and, given a name, pushes it under that name. */
const main = (names: readonly string[]): number => {
  try {
    if (names.length > 1) throw new Error("usage: npm run image [-- NAME]");
    for (const command of imageCommands(containerTool(process.env), release, names[0])) {
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

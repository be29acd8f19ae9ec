import { fileURLToPath } from "node:url";
import { ConfigError, readAgentConfig } from "./config.ts";
import { defaultTimes } from "./launchers/process.ts";
import { runAgent } from "./run.ts";
import { StateDirectoryInUseError } from "./state-directory.ts";

/** The agent's entry; see `config.ts` for the environment. */
const main = async (): Promise<number> => {
  try {
    const runner = fileURLToPath(new URL("../runner/main.ts", import.meta.url));
    return await runAgent(readAgentConfig(process.env), [process.execPath, runner], defaultTimes);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StateDirectoryInUseError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
};

process.exitCode = await main();

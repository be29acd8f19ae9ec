import { fileURLToPath } from "node:url";
import { ConfigError, readAgentConfig } from "./config.ts";
import { defaultTimes } from "./launchers/process.ts";
import { runProcessAgent } from "./run-processes.ts";
import { StateDirectoryInUseError } from "./state-directory.ts";

/** The program of runners that are processes. */
const runner = fileURLToPath(new URL("../runner/main.ts", import.meta.url));

/** The agent's entry point. See `config.ts` for its environment. */
const main = async (): Promise<number> => {
  try {
    const config = readAgentConfig(process.env);
    if (config.launcher === "kubernetes") {
      // Loaded only when needed, because the Kubernetes API library is large.
      const { runKubernetesAgent } = await import("./run-kubernetes.ts");
      return await runKubernetesAgent(config);
    }
    return await runProcessAgent(config, [process.execPath, runner], defaultTimes);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StateDirectoryInUseError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
};

process.exitCode = await main();

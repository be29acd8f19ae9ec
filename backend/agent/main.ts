import { fileURLToPath } from "node:url";
import { ConfigError, readAgentConfig } from "./config.ts";
import { defaultTimes } from "./launchers/process.ts";
import { runProcessAgent } from "./run-processes.ts";
import { StateDirectoryInUseError } from "./state-directory.ts";

/**
 * The agent's entry point: `node main.ts [RUNNER]`. RUNNER is the program of runners that are processes, instead of its source. See
 * `config.ts` for the environment.
 */
const main = async (): Promise<number> => {
  try {
    const config = readAgentConfig(process.env);
    if (config.launcher === "kubernetes") {
      // Loaded only when needed, because the Kubernetes API library is large.
      const { runKubernetesAgent } = await import("./run-kubernetes.ts");
      return await runKubernetesAgent(config);
    }
    const [runner = fileURLToPath(new URL("../runner/main.ts", import.meta.url))] = process.argv.slice(2);
    return await runProcessAgent(config, [process.execPath, runner], defaultTimes);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StateDirectoryInUseError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
};

process.exitCode = await main();

import { Agent } from "./agent.ts";
import { agentDirectory, type AgentConfig } from "./config.ts";
import { ProcessLauncher, type ProcessTimes } from "./launchers/process.ts";
import { forgetExit, reapLeftovers } from "./launchers/runner-directory.ts";
import { inheritedEnvironment } from "./launchers/runner-environment.ts";
import { openStateDirectory } from "./state-directory.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const log = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/**
 * Runs an agent until a signal ends it or the Worker dismisses it.
 * @param runnerCommand the runner's program and arguments
 * @returns the exit code
 */
export const runAgent = async (
  config: AgentConfig,
  runnerCommand: readonly string[],
  times: ProcessTimes,
): Promise<number> => {
  const directory = openStateDirectory(agentDirectory(config.stateDir));
  try {
    const leftovers = await reapLeftovers(directory.path);
    const agent = new Agent({
      url: `${config.workerUrl.replace(/^http/, "ws")}/api/v1/agents/${config.cluster}/link`,
      token: config.token,
      clusterId: directory.clusterId,
      launcher: (events) =>
        new ProcessLauncher(
          {
            capacity: config.runners,
            dir: directory.path,
            shuffle: config.shuffle,
            command: runnerCommand,
            env: { ...inheritedEnvironment(process.env), WORKER_URL: config.workerUrl, PARENT: "pipe" },
            times,
            log,
          },
          events,
        ),
      onConnected: (again) => {
        const connected = again ? "reconnected" : "connected";
        process.stdout.write(`agent ${connected} to ${config.workerUrl} as cluster ${config.cluster}\n`);
      },
      log,
    });
    for (const { jobId, runnerId } of leftovers) {
      void forgetExit(directory.path, runnerId, agent.exited(jobId, runnerId, "was left by an earlier agent"));
    }
    stopAtSignal(agent);
    const end = await agent.ended;
    if (end.kind === "closed") return 0;
    log(
      `agent dismissed by ${config.workerUrl}: ${end.reason || end.kind}${end.kind === "refused" ? ` (HTTP ${end.status})` : ""}`,
    );
    await agent.stop();
    return 1;
  } finally {
    directory.release();
  }
};

/** The first signal ends the agent in good order, a second one at once. */
const stopAtSignal = (agent: Agent): void => {
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) {
      agent.kill();
      process.exit(1);
    }
    stopping = true;
    void agent.stop();
  };
  for (const signal of signals) process.on(signal, onSignal);
};

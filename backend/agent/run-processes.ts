import { agentDirectory, type AgentConfig } from "./config.ts";
import { ProcessLauncher, type ProcessTimes } from "./launchers/process.ts";
import { forgetExit, reapLeftovers } from "./launchers/runner-directory.ts";
import { inheritedEnvironment } from "./launchers/runner-environment.ts";
import { log, serve } from "./serve.ts";
import { openStateDirectory } from "./state-directory.ts";

/**
 * Runs an agent whose runners are processes on this machine, until a signal stops it or the Worker dismisses it.
 * @param runnerCommand the runner's program and arguments
 * @returns the exit code
 */
export const runProcessAgent = async (
  config: AgentConfig,
  runnerCommand: readonly string[],
  times: ProcessTimes,
): Promise<number> => {
  const directory = openStateDirectory(agentDirectory(config.stateDir));
  try {
    const leftovers = await reapLeftovers(directory.path);
    return await serve(config, {
      clusterId: directory.clusterId,
      launcher: (events) =>
        new ProcessLauncher(
          {
            capacity: config.runners,
            dir: directory.path,
            shuffle: config.shuffle,
            command: runnerCommand,
            env: {
              ...inheritedEnvironment(process.env),
              WORKER_URL: config.workerUrl,
              PARENT: "pipe",
              // allowed, because a store on this machine belongs to the user of this agent
              STORAGE_LOOPBACK: "allow",
            },
            times,
            log,
          },
          events,
        ),
      onAgent: (agent) => {
        for (const { jobId, runnerId } of leftovers) {
          void forgetExit(
            directory.path,
            runnerId,
            agent.exited(jobId, runnerId, { reason: "was left by an earlier agent" }),
          );
        }
      },
    });
  } finally {
    directory.release();
  }
};

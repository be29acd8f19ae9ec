import { Agent } from "./agent.ts";
import type { AgentConfig } from "./config.ts";
import type { Launcher, LauncherEvents } from "./launchers/launcher.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export const log = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

type ServeOptions = {
  readonly clusterId: string;
  launcher(events: LauncherEvents): Launcher;
  /** Called when the agent exists and is connecting. */
  onAgent?(agent: Agent): void;
  onConnected?(): void;
};

/**
 * Serves the Worker until a signal arrives or the Worker dismisses the agent.
 * @returns the exit code
 */
export const serve = async (config: AgentConfig, options: ServeOptions): Promise<number> => {
  const agent = new Agent({
    url: `${config.workerUrl.replace(/^http/, "ws")}/api/v1/agents/${config.cluster}/link`,
    token: config.token,
    clusterId: options.clusterId,
    launcher: (events) => options.launcher(events),
    onConnected: (again) => {
      options.onConnected?.();
      const connected = again ? "reconnected" : "connected";
      process.stdout.write(`agent ${connected} to ${config.workerUrl} as cluster ${config.cluster}\n`);
    },
    log,
  });
  options.onAgent?.(agent);
  stopAtSignal(agent);
  const end = await agent.ended;
  if (end.kind === "closed") return 0;
  log(
    `agent dismissed by ${config.workerUrl}: ${end.reason || end.kind}${end.kind === "refused" ? ` (HTTP ${end.status})` : ""}`,
  );
  await agent.stop();
  return 1;
};

/** Stops the agent gracefully at the first signal, and immediately at the second. */
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

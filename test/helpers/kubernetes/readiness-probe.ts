import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { programFirst } from "./container-command.ts";
import type { Command } from "./container-process.ts";
import { onHost, type Mount } from "./mounts.ts";
import type { Probe } from "./object-schemas.ts";

/** Whether the command exits with 0 in time. */
const succeeds = async (argv: readonly string[], { workingDir, env }: Command, timeoutMs: number): Promise<boolean> => {
  const [program = "", ...args] = programFirst(argv);
  const child = spawn(program, args, {
    cwd: workingDir,
    env,
    stdio: "ignore",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  try {
    await once(child, "exit");
    return child.exitCode === 0;
  } catch {
    return false; // It cannot be started.
  }
};

/** Probes a container periodically and reports each change of its readiness, starting from not ready. */
export const probe = async (
  { exec, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold }: Probe,
  command: Command,
  mounts: readonly Mount[],
  signal: AbortSignal,
  tell: (isReady: boolean) => void,
): Promise<void> => {
  const argv = (exec?.command ?? []).map((text) => onHost(text, mounts));
  let isReady = false;
  let failures = 0;
  const pause = async (seconds: number): Promise<unknown> =>
    sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
  for (await pause(initialDelaySeconds); !signal.aborted; await pause(periodSeconds)) {
    const is = await succeeds(argv, command, timeoutSeconds * 1000);
    failures = is ? 0 : failures + 1;
    const next: boolean = is || (isReady && failures < failureThreshold);
    if (next !== isReady && !signal.aborted) tell(next);
    isReady = next;
  }
};

import { runCommand } from "./wasm-command.ts";
import { runExecutable, type StreamRun } from "./executable.ts";

/** Runs a program of standard streams, whatever it is. @throws as `runExecutable` does */
export const runStreams = async (run: StreamRun): Promise<void> =>
  run.program.type === "command" ? await runCommand(run) : await runExecutable(run);

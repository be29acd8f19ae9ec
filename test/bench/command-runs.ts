import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { endedProcessorMs } from "../helpers/proc.ts";
import type { Measured } from "./measured.ts";
import type { CommandPeer } from "./peers.ts";

/**
 * Runs the command of a peer. No other child of this process may end in the meantime, as its processor time would count.
 * @param scratch the folder in which to create one for its output
 * @throws Error if it fails
 */
export const runCommand = async (
  { name, script }: CommandPeer,
  input: { readonly path: string; readonly address: string },
  scratch: string,
): Promise<Measured> => {
  const output = mkdtempSync(join(scratch, `${name}-`));
  const usedBefore = endedProcessorMs(process.pid);
  const startedAt = performance.now();
  const env = { ...process.env, LC_ALL: "C", INPUT: input.path, ADDRESS: input.address, OUTPUT: output };
  const child = spawn("bash", ["-c", `set -o pipefail; ${script}`], { env, stdio: ["ignore", "inherit", "inherit"] });
  const [code, signal] = await once(child, "exit");
  if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}`);
  const seconds = (performance.now() - startedAt) / 1000;
  return { figures: { seconds, processorSeconds: (endedProcessorMs(process.pid) - usedBefore) / 1000 }, output };
};

/** Whether a bash command succeeds. Prints nothing. */
export const succeeds = async (script: string): Promise<boolean> => {
  const [code] = await once(spawn("bash", ["-c", script], { stdio: "ignore" }), "exit");
  return code === 0;
};

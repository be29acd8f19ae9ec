import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import type { InputOnDisk } from "./inputs.ts";
import type { Measured } from "./measured.ts";

/**
 * Runs a case's shell command.
 * @param script see `Baseline`
 * @param output the folder to create for its output
 * @throws Error if it fails
 */
export const runCommand = async (script: string, input: InputOnDisk, output: string): Promise<Measured> => {
  mkdirSync(output);
  const startedAt = performance.now();
  const env = { ...process.env, LC_ALL: "C", INPUT: input.path, OUTPUT: output };
  const child = spawn("bash", ["-c", `set -o pipefail; ${script}`], { env, stdio: ["ignore", "inherit", "inherit"] });
  const [code, signal] = await once(child, "exit");
  if (code !== 0) throw new Error(`the command ended with ${code ?? signal}`);
  return { figures: { seconds: (performance.now() - startedAt) / 1000 }, output };
};

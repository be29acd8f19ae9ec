import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { InputOnDisk } from "./inputs.ts";
import { FiguresSchema, type Measured } from "./measured.ts";

const kernel = fileURLToPath(new URL("kernel.ts", import.meta.url));

/**
 * Runs the kernel in a process of its own, so that its memory is nobody else's. The start of that process does not count.
 * @param output a folder to be made for its output
 */
export const runKernel = async (input: InputOnDisk, output: string): Promise<Measured> => {
  mkdirSync(output);
  const child = spawn(process.execPath, [kernel, input.path, output], { stdio: ["ignore", "pipe", "inherit"] });
  const [said, [code, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`the kernel ended with ${code ?? signal}`);
  return { figures: FiguresSchema.parse(JSON.parse(said)), output };
};

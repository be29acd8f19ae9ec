import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { InputOnDisk } from "./inputs.ts";
import { FiguresSchema, type Measured } from "./measured.ts";

const kernel = fileURLToPath(new URL("kernel.ts", import.meta.url));

/**
 * Runs the kernel in its own process, so that its memory can be measured. The start of that process does not count.
 * @param scratch the folder in which to create one for its output
 */
export const runKernel = async (input: InputOnDisk, scratch: string): Promise<Measured> => {
  const output = mkdtempSync(join(scratch, "kernel-"));
  const child = spawn(process.execPath, [kernel, input.path, output], { stdio: ["ignore", "pipe", "inherit"] });
  const [said, [code, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`the kernel ended with ${code ?? signal}`);
  return { figures: FiguresSchema.parse(JSON.parse(said)), output };
};

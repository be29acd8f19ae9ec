import { open } from "node:fs/promises";
import { inspectedBytes } from "../../shared/program-start.ts";

/** Reads the first `inspectedBytes` of a file, or all of a shorter one. */
export const readStart = async (path: string): Promise<Buffer> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(inspectedBytes), 0, inspectedBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
};

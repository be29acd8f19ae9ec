import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerLog } from "./container-log.ts";
import type { Mount } from "./mounts.ts";
import type { Container } from "./object-schemas.ts";

const limitBytes = 4096;

/** The file to which a container can write why it ended. */
export const terminationMount = async (
  { terminationMessagePath: path }: Container,
  directory: string,
): Promise<Mount> => {
  const host = join(directory, "termination-log");
  await writeFile(host, "");
  return { path, host };
};

/** The container's termination message; if it failed without one and its policy allows, the end of its log. */
export const readTerminationMessage = async (
  { terminationMessagePath, terminationMessagePolicy }: Container,
  mounts: readonly Mount[],
  exitCode: number,
  log: ContainerLog,
): Promise<string> => {
  const file = mounts.find(({ path }) => path === terminationMessagePath)?.host;
  const said = file === undefined ? "" : (await readFile(file)).subarray(0, limitBytes).toString();
  if (said !== "" || exitCode === 0 || terminationMessagePolicy === "File") return said;
  return log.tail;
};

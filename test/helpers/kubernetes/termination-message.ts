import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerLog } from "./container-log.ts";
import type { Mount } from "./mounts.ts";
import type { Container } from "./object-schemas.ts";

const limitBytes = 4096;

/** The file into which a container may write why it has ended. */
export const terminationMount = async (
  { terminationMessagePath: path }: Container,
  directory: string,
): Promise<Mount> => {
  const host = join(directory, "termination-log");
  await writeFile(host, "");
  return { path, host };
};

/** What a container has said of its end, or where it asks for that and has failed, the end of what it has written. */
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

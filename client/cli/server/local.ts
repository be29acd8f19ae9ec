import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../backend/host/port.ts";
import { StartError } from "../../../backend/host/parts.ts";
import { startSystem, type SystemOptions } from "../../../backend/host/system.ts";
import { LockedError, lockOwner, takeLock } from "../../../backend/lock-file.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { defaultStateDir } from "./places.ts";

/** The Edgefold on this machine. Its state is one process's at a time, which notes there how it is reached. */

const lockOf = (stateDir: string): string => join(stateDir, "host.lock");

/** The URL of the local Edgefold that goes on running beside this command, such as that of `edgefold dev`. */
export const runningLocal = (): string | undefined => {
  const owner = lockOwner(lockOf(defaultStateDir()));
  const url = owner?.["url"];
  return typeof url === "string" && owner?.["stays"] === true ? url : undefined;
};

export type LocalSystem = {
  readonly url: string;
  readonly s3Endpoint: string;
  /** Rejects when it has ended by itself. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
};

type HostOptions = Omit<SystemOptions, "port"> & {
  readonly port?: number | undefined;
  /** Whether it goes on until somebody ends it, so that other commands can use it. */
  readonly stays: boolean;
};

/** Starts an Edgefold on this machine, and takes its state. @throws LockedError where another process has it */
export const startHost = async ({ stays, port, ...options }: HostOptions): Promise<LocalSystem> => {
  const { stateDir } = options;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const chosen = port ?? (await freePort());
  const release = takeLock(lockOf(stateDir), { url: `http://localhost:${chosen}`, stays });
  try {
    const system = await startSystem({ port: chosen, ...options });
    const failed = system.failed.then((reason) => {
      throw new CommandError(reason, exitCodes.failed);
    });
    failed.catch(() => undefined);
    const stop = async (): Promise<void> => {
      await system.stop();
      release();
    };
    return { url: system.url, s3Endpoint: system.s3Endpoint, failed, stop };
  } catch (error) {
    release();
    if (error instanceof StartError) throw new CommandError(error.message, exitCodes.failed);
    throw error;
  }
};

/**
 * Starts the local Edgefold for one command. While another command has its state, this one gets a state of its own, which is
 * removed with it.
 */
export const startLocal = async (): Promise<LocalSystem> => {
  // Its programs may do what this user may, so that nothing is gained by keeping files from them.
  const options = { fileRoots: ["/"], stays: false, log: () => undefined };
  try {
    return await startHost({ ...options, stateDir: defaultStateDir() });
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
  }
  const stateDir = mkdtempSync(join(tmpdir(), "edgefold-"));
  const remove = (): void => rmSync(stateDir, { recursive: true, force: true });
  try {
    const system = await startHost({ ...options, stateDir });
    const stop = async (): Promise<void> => {
      await system.stop();
      remove();
    };
    return { ...system, stop };
  } catch (error) {
    remove();
    throw error;
  }
};

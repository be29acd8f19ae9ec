import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { sendSignal } from "../../../backend/process-groups.ts";
import type { ContainerLog } from "./container-log.ts";
import { killAll, type Marker } from "./process-tree.ts";

/** How a container's first process is started. */
export type Command = {
  readonly argv: readonly string[];
  readonly workingDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly marker: Marker;
};

/** How long outputs may stay open after all that wrote to them has been killed, in ms. */
const outputMs = 2000;

/** A container as it runs: a process in a group of its own, and all that it starts. */
export class ContainerProcess {
  /** Resolves with the exit code, which is that of the shell where a signal has ended it, when nothing of it runs any more. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #marker: Marker;
  readonly #pid: number;

  private constructor(child: ChildProcess, pid: number, marker: Marker) {
    this.#child = child;
    this.#pid = pid;
    this.#marker = marker;
    this.ended = this.#end();
  }

  /** @throws Error where it cannot be started */
  static async start({ argv, workingDir, env, marker }: Command, log: ContainerLog): Promise<ContainerProcess> {
    const [program = "", ...args] = argv;
    const child = spawn(program, args, { cwd: workingDir, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => log.add(chunk));
    await once(child, "spawn");
    if (child.pid === undefined) throw new Error("the process has no id");
    return new ContainerProcess(child, child.pid, marker);
  }

  /** To the first process alone, as a container's stop is. */
  terminate(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) sendSignal(this.#pid, "SIGTERM");
  }

  /** Kills everything. */
  async kill(): Promise<void> {
    await killAll(this.#pid, this.#marker);
  }

  async #end(): Promise<number> {
    const closed = once(this.#child, "close");
    await once(this.#child, "exit");
    await this.kill();
    await Promise.race([closed, sleep(outputMs)]);
    const { exitCode, signalCode } = this.#child;
    return exitCode ?? 128 + (signalCode === null ? 0 : constants.signals[signalCode]);
  }
}

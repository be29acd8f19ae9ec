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

/** How long outputs may stay open after everything that wrote to them was killed, in ms. */
const outputMs = 2000;

/** A running container: a process in its own group, and everything it starts. */
export class ContainerProcess {
  /** Resolves with the exit code once nothing of it runs any more; 128 + the signal's number if a signal ended it. */
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

  /** @throws Error if it cannot be started */
  static async start({ argv, workingDir, env, marker }: Command, log: ContainerLog): Promise<ContainerProcess> {
    const [program = "", ...args] = argv;
    const child = spawn(program, args, { cwd: workingDir, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => log.add(chunk));
    await once(child, "spawn");
    if (child.pid === undefined) throw new Error("the process has no id");
    return new ContainerProcess(child, child.pid, marker);
  }

  /** Signals only the first process, as stopping a container does. */
  terminate(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) sendSignal(this.#pid, "SIGTERM");
  }

  /** Kills all its processes. */
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

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { AttemptContext } from "../attempt-context.ts";
import { inheritedVariables } from "../environment.ts";
import { workingDirectory } from "../working-directory.ts";
import { openPipes, type Pipes } from "./pipes.ts";
import { type ArtifactProgram, ProgramError } from "./program.ts";

/** How long a group may take to end after SIGTERM before it gets SIGKILL, in milliseconds. */
const terminationGrace = 2_000;

/** How often to retry a start that the kernel refused with "text file busy", and after how many milliseconds. */
const busyRetries = 20;
const busyPause = 50;

/** How a program ended: with a code or by a signal. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A running executable and all processes that it starts, except those that leave its group. */
export class ProcessGroup {
  readonly pipes: Pipes;
  /** Resolves when the program itself has ended. Its descendants can still be running. */
  readonly exited: Promise<Exit>;
  readonly #id: number;
  readonly #ledger: AttemptContext["processes"];
  #lastResort: NodeJS.Timeout | undefined;
  #isEnded = false;

  private constructor(id: number, pipes: Pipes, exited: Promise<Exit>, ledger: AttemptContext["processes"]) {
    this.#id = id;
    this.pipes = pipes;
    this.exited = exited;
    this.#ledger = ledger;
  }

  /**
   * Starts a program in its own process group.
   * @param file the descriptor of a file for the program to read instead of a pipe
   * @throws ProgramError if the system refuses
   */
  static async start(program: ArtifactProgram, context: AttemptContext, file?: number): Promise<ProcessGroup> {
    // Programs get their own folder, separate from the files of the shuffle.
    const home = workingDirectory(context);
    await mkdir(home, { recursive: true });
    const pipes = await openPipes(context.pipes, file);
    try {
      for (let attempt = 0; ; attempt++) {
        const child = spawn(program.path, program.args, {
          cwd: home,
          env: { ...inheritedVariables(process.env), ...context.environment, HOME: home, TMPDIR: home },
          detached: true,
          stdio: [...pipes.descriptors],
        });
        const exited = exitOf(child);
        const refusal = await spawnError(child);
        if (refusal === undefined && child.pid !== undefined) {
          return new ProcessGroup(child.pid, pipes, exited, context.processes).#recorded();
        }
        // A process forked at the same moment can still have the file open for writing.
        if (refusal?.code === "ETXTBSY" && attempt < busyRetries) await delay(busyPause);
        else
          throw new ProgramError(program, startProblem(refusal), { cause: refusal, isFinal: isFinalRefusal(refusal) });
      }
    } catch (error) {
      for (const stream of [pipes.stdin, pipes.stdout.stream, pipes.stderr.stream]) stream?.destroy();
      await pipes.remove();
      throw error;
    } finally {
      pipes.closeDescriptors();
    }
  }

  /** Records the group. If that fails, as on a full disk, ends it, because a killed runner would leave it behind. */
  #recorded(): this {
    try {
      this.#ledger.add(this.#id);
      return this;
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** Asks the group to end with SIGTERM, and kills it 2 s later. */
  terminate(): void {
    // After `end`, the id can belong to another group.
    if (this.#isEnded) return;
    this.#signal("SIGTERM");
    this.#lastResort ??= setTimeout(() => this.#signal("SIGKILL"), terminationGrace);
  }

  /** Kills whatever is left of the group. Call it only after `exited`. */
  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#lastResort);
    this.#signal("SIGKILL");
    this.#ledger.remove(this.#id);
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#id, signal);
    } catch {
      // ESRCH: the group is already gone. EPERM: what is left of it no longer belongs to us.
    }
  }
}

async function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

async function spawnError(child: ChildProcess): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await once(child, "spawn");
    return undefined;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

/** Whether the start failed because of the file itself, not because of a temporary lack of memory or process ids. */
function isFinalRefusal(error: NodeJS.ErrnoException | undefined): boolean {
  return ["EACCES", "ELOOP", "ENOENT", "ENOEXEC", "ENOTDIR"].includes(error?.code ?? "");
}

function startProblem(error: NodeJS.ErrnoException | undefined): string {
  // The file itself exists, it has been inspected. What is missing is something the kernel needs to run it.
  if (error?.code === "ENOENT") {
    return "needs a dynamic loader that is not installed on the runner: link it statically, or build it for the runner's image";
  }
  return `could not be started: ${error?.message ?? "no process id"}`;
}

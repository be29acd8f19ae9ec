import { closeSync, constants, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Socket } from "node:net";
import type { NamedPipes } from "./named-pipes.ts";
import type { ReadPipe } from "./pipe-reader.ts";

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** A pipe: a stream and its descriptor on this side, and a descriptor for the program on the other. */
type Pipe = ReadPipe & { readonly programs: number };

/** The three pipes of a program. */
export type Pipes = {
  /** Undefined if the program reads a file. */
  readonly stdin: Socket | undefined;
  readonly stdout: ReadPipe;
  readonly stderr: ReadPipe;
  /** The path of stdout in the file system. */
  readonly stdoutName: string;
  /** The descriptors to pass to `spawn`. */
  readonly descriptors: readonly [number, number, number];
  /** Closes the program's ends in this process. Must be called once the program has them, or could not be started. */
  closeDescriptors(): void;
  /**
   * Unblocks a program that opens its stdin by name after everything has been written. Opening a named pipe for reading waits for
   * a writer, and by then there is none. Must be repeated from the end of the input until the program has ended.
   */
  admitLateReader(): void;
  /** Removes the pipes from the file system. */
  remove(): Promise<void>;
};

/**
 * Opens named pipes for a program. The pipes that `spawn` creates are sockets, which a program cannot reopen by name. With
 * them, `cat /dev/stdin` and `echo … > /dev/stderr`, common in scripts, would fail (ENXIO).
 * @param named makes them
 * @param file the descriptor of a file that the program reads instead of a pipe; it stays open
 */
export async function openPipes(named: NamedPipes, file?: number): Promise<Pipes> {
  const names = await named.take(file === undefined ? 3 : 2);
  const [stdoutName = "", stderrName = "", stdinName = ""] = names;
  const stdin = file === undefined ? openPipe(stdinName, "write") : undefined;
  const stdout = openPipe(stdoutName, "read");
  const stderr = openPipe(stderrName, "read");
  const own = [stdin, stdout, stderr].flatMap((pipe) => (pipe === undefined ? [] : [pipe.programs]));
  return {
    stdin: stdin?.stream,
    stdout,
    stderr,
    stdoutName,
    descriptors: [stdin?.programs ?? file ?? 0, stdout.programs, stderr.programs],
    closeDescriptors: () => own.forEach((descriptor) => closeSync(descriptor)),
    admitLateReader() {
      if (stdin === undefined) return;
      try {
        closeSync(openSync(stdinName, O_WRONLY | O_NONBLOCK));
      } catch {
        // ENXIO: nobody is reading any more.
      }
    },
    remove: async () => {
      await Promise.all(names.map((name) => rm(name, { force: true })));
    },
  };
}

/** @param mode what this side of the pipe does */
function openPipe(name: string, mode: "read" | "write"): Pipe {
  // Opening one end waits for the other, or fails, unless a descriptor is already open for both.
  const both = openSync(name, O_RDWR);
  try {
    const programs = openSync(name, mode === "read" ? O_WRONLY : O_RDONLY);
    const descriptor = openSync(name, (mode === "read" ? O_RDONLY : O_WRONLY) | O_NONBLOCK);
    const stream = new Socket({ fd: descriptor, readable: mode === "read", writable: mode === "write" });
    return { stream, descriptor, programs };
  } finally {
    closeSync(both);
  }
}

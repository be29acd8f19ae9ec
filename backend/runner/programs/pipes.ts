import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ReadPipe } from "./pipe-reader.ts";

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** A stream and its descriptor on this side of a pipe, and a descriptor for the program on the other. */
type Pipe = ReadPipe & { readonly programs: number };

/** The three pipes of a program. */
export type Pipes = {
  /** Undefined where the program reads a file. */
  readonly stdin: Socket | undefined;
  readonly stdout: ReadPipe;
  readonly stderr: ReadPipe;
  /** Where stdout lies in the file system. */
  readonly stdoutName: string;
  /** What to hand to `spawn`. */
  readonly descriptors: readonly [number, number, number];
  /** Closes the program's ends here: to be called once it has them, or could not be started. */
  closeDescriptors(): void;
  /**
   * Lets a program go on that opens its stdin by name when all has been written: opening a named pipe to read waits for a
   * writer, and then there is none any more. To be repeated from the end of the input until the program has ended.
   */
  admitLateReader(): void;
  /** Removes what the pipes have in the file system. */
  remove(): Promise<void>;
};

/**
 * Makes the pipes for a program. The pipes that `spawn` makes are sockets, which a program cannot open again by name, so
 * `cat /dev/stdin` and `echo … > /dev/stderr`, common in scripts, would fail (ENXIO). These are named pipes.
 * @param folder where they get their names
 * @param file what the program reads in place of a pipe: a descriptor, which stays open
 */
export async function openPipes(folder: string, file?: number): Promise<Pipes> {
  const names = await mkdtemp(join(folder, "pipes-"));
  const [stdinName, stdoutName, stderrName] = [join(names, "0"), join(names, "1"), join(names, "2")];
  const wanted = file === undefined ? [stdinName, stdoutName, stderrName] : [stdoutName, stderrName];
  await promisify(execFile)("mkfifo", ["-m", "600", ...wanted]);
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
        // ENXIO: nobody reads any more.
      }
    },
    remove: () => rm(names, { recursive: true, force: true }),
  };
}

/** @param mode what is done on this side */
function openPipe(name: string, mode: "read" | "write"): Pipe {
  // Opening one end waits for the other, or fails; not so while a descriptor is open for both.
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

import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** One side of a pipe is a stream here, the other a descriptor for the program. */
type Pipe = { readonly stream: Socket; readonly descriptor: number };

/** The three pipes of a program. */
export type Pipes = {
  /** Undefined where the program reads a file. */
  readonly stdin: Socket | undefined;
  readonly stdout: Socket;
  readonly stderr: Socket;
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
  const own = [stdin, stdout, stderr].flatMap((pipe) => (pipe === undefined ? [] : [pipe.descriptor]));
  return {
    stdin: stdin?.stream,
    stdout: stdout.stream,
    stderr: stderr.stream,
    descriptors: [stdin?.descriptor ?? file ?? 0, stdout.descriptor, stderr.descriptor],
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
    const descriptor = openSync(name, mode === "read" ? O_WRONLY : O_RDONLY);
    const own = openSync(name, (mode === "read" ? O_RDONLY : O_WRONLY) | O_NONBLOCK);
    return { stream: new Socket({ fd: own, readable: mode === "read", writable: mode === "write" }), descriptor };
  } finally {
    closeSync(both);
  }
}

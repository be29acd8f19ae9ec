import type { Socket } from "node:net";
import { cleanText } from "../../../shared/text.ts";
import { untilAborted } from "../../abort.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { processesThatHold } from "../../process-groups.ts";
import { TaskTimeoutError } from "../task-timeout.ts";
import { drainPipe, readToEnd } from "./pipe-reader.ts";
import { workingDirectory } from "../working-directory.ts";
import { checkExecutable } from "./preflight.ts";
import { type Exit, ProcessGroup } from "./process-group.ts";
import { type ArtifactProgram, ProgramError } from "./program.ts";
import { StderrReader } from "./reporter.ts";

/** How often late readers of stdin are admitted, in milliseconds. */
const admissionInterval = 50;

/** One run of a program of standard streams. */
export type StreamRun = {
  readonly program: ArtifactProgram;
  readonly context: AttemptContext;
  /** The program's input: batches, each written before the next one is requested, or a file descriptor. */
  readonly input: AsyncIterable<Buffer> | number;
  /** Receives the program's output. No further output is read while the promise is pending. */
  output(chunk: Buffer): Promise<void> | undefined;
};

/**
 * Runs an executable to its end and reads its stdout to the end. Stdout ends when no process has it open any more, so background
 * processes that the program leaves behind can finish their output. The program may stop reading early and may close its stdout
 * before it ends.
 * @throws ProgramError if the program cannot be started, does not exit with code 0, exceeds the output limit or reports too many
 * counters; the signal's reason when aborted, even if only its stdout has not ended; what `input` or `output` throws
 */
export async function runExecutable(run: StreamRun): Promise<void> {
  const { program, context, input } = run;
  context.signal.throwIfAborted();
  await checkExecutable(program, workingDirectory(context));
  const group = await ProcessGroup.start(program, context, typeof input === "number" ? input : undefined);
  const { stdin, stdout, stderr } = group.pipes;
  const diagnostics = stderrReader(run);
  const failures: unknown[] = [];
  const fail = (error: unknown): void => {
    failures.push(error);
    for (const stream of [stdin, stdout.stream, stderr.stream]) stream?.destroy();
    group.terminate();
  };
  let hasExited = false;
  const abort = (): void => {
    const { reason } = context.signal;
    fail(hasExited && reason instanceof TaskTimeoutError ? heldOpen(reason, group.pipes.stdoutName) : reason);
  };
  context.signal.addEventListener("abort", abort, { once: true });
  if (context.signal.aborted) abort();
  const report = (chunk: Buffer): void => {
    context.progress.tick();
    try {
      diagnostics.push(chunk);
    } catch (error) {
      fail(error);
    }
  };
  stderr.stream.on("data", report).on("error", fail);
  const reading = readToEnd(stdout, limitedOutput(run)).catch(fail);
  const admission = setInterval(() => {
    if (stdin?.closed === true) group.pipes.admitLateReader();
  }, admissionInterval);
  const feeding = feed(stdin, input, context).catch((error: unknown) => {
    // A program that has exited did not need the rest of the input.
    if (!hasExited) fail(error);
  });

  const exit = await group.exited;
  hasExited = true;
  clearInterval(admission);
  if (exit.code === 0) await reading;
  group.end();
  drainPipe(stderr, report);
  diagnostics.end();
  if (exit.code !== 0) fail(new ProgramError(program, exitProblem(exit, diagnostics.tail())));
  context.signal.removeEventListener("abort", abort);
  stdin?.destroy();
  stderr.stream.destroy();
  await Promise.all([reading, feeding]);
  await group.pipes.remove();
  if (failures.length > 0) throw failures[0];
}

/** The error for an attempt that made no progress although its program has ended. */
function heldOpen({ seconds }: TaskTimeoutError, stdoutName: string): TaskTimeoutError {
  const holders = processesThatHold(stdoutName).map(({ pid, command }) => `${pid} (${command})`);
  const by = holders.length === 0 ? "a process that it left behind" : `these processes: ${holders.join(", ")}`;
  return new TaskTimeoutError(
    seconds,
    `Its program has ended, but its stdout is held open by ${by}. Redirect the output of what runs in the background.`,
  );
}

async function feed(
  stdin: Socket | undefined,
  input: AsyncIterable<Buffer> | number,
  { signal, progress }: AttemptContext,
): Promise<void> {
  if (stdin === undefined || typeof input === "number") return;
  // EPIPE, the only error a pipe can have: the program, such as `head`, has read all it needs. The stream is then destroyed.
  stdin.on("error", () => undefined);
  for await (const batch of untilAborted(input, signal)) {
    if (stdin.destroyed) return;
    await write(stdin, batch);
    progress.tick();
  }
  stdin.end();
}

/** Resolves when the batch is written or nothing more can be written. The stream calls back in both cases. */
async function write(stdin: Socket, batch: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    stdin.write(batch, () => resolve());
  });
}

export function limitedOutput(run: StreamRun): (chunk: Buffer) => Promise<void> | undefined {
  const { program, context } = run;
  let written = 0;
  return (chunk) => {
    context.progress.tick();
    written += chunk.length;
    if (written > context.outputLimit) {
      throw new ProgramError(program, `writes more than TASK_OUTPUT_LIMIT, ${context.outputLimit} bytes`);
    }
    return run.output(chunk);
  };
}

export function stderrReader({ program, context }: StreamRun): StderrReader {
  let hasWarned = false;
  return new StderrReader({
    counter(group, name, amount) {
      try {
        context.counters.add(group, name, amount);
      } catch (error) {
        throw new ProgramError(program, `reports ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    status: (text) => context.status(text),
    log: (bytes) => context.log(bytes),
    malformed: (line) => {
      if (hasWarned) return;
      hasWarned = true;
      console.error(`${program.role} ${program.name}: this is no report that is understood: ${cleanText(line, 200)}`);
    },
  });
}

export function exitProblem({ code, signal }: Exit, tail: string): string {
  const hint = signal === "SIGKILL" ? " (SIGKILL from outside is most often for lack of memory)" : "";
  const ended = signal === null ? `exited with code ${code}` : `was ended by ${signal}${hint}`;
  return tail === "" ? `${ended} and wrote nothing to stderr` : `${ended}: ${tail}`;
}

import { chmodSync, createWriteStream, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { formatAddress, parseAddress } from "../../../shared/address.ts";
import { wasmMemoryOf } from "../../../shared/api/wasm-memory.ts";
import { builtinNames } from "../../../shared/builtin-programs.ts";
import type { RunnerJob } from "../../../shared/protocol/runner.ts";
import type { MapInput } from "../../../shared/protocol/tasks.ts";
import { prepareReplay, type Replay, type ReplayedTask } from "../../../backend/runner/replay.ts";
import { ProgramError } from "../../../backend/runner/programs/program.ts";
import { redirectConsole } from "../../../backend/runner/thread/module-console.ts";
import {
  EdgefoldError,
  type Artifact,
  type JobDetail,
  type Program,
  type Task,
  type TaskDetail,
} from "../../sdk/index.ts";
import { CommandError, exitCodes, type ExitCode } from "../failure.ts";
import { say } from "../output.ts";
import { findJob, taskIdOf } from "../server/find-job.ts";
import type { Server } from "../server/server.ts";
import { shortId, shortTask } from "../../show/job-names.ts";
import { shellWord } from "../../show/shell.ts";
import { showBytes } from "../../show/quantity.ts";
import { openPlace } from "../storage/stores.ts";

/** A task of a job, run on this machine: its program, files, arguments, variables and input are fetched. */

/** @throws CommandError if the program is of a later release */
const builtinRef = ({ name }: Program) => {
  const known = builtinNames.find((builtin) => builtin === name);
  if (known === undefined) {
    throw new CommandError(`The built-in program ${name} is not known here.`, exitCodes.unknown, [
      "Use the command of the server's release.",
    ]);
  }
  return { name: known, type: "builtin" } as const;
};

/** The job as a runner would be told of it. */
const runnerJobOf = (job: JobDetail): RunnerJob => {
  const { request, programs } = job;
  if (programs === null) throw new CommandError("The job's programs are not known any more.", exitCodes.unknown);
  const ref = (role: "mapper" | "reducer") => {
    const program = programs[role];
    if (program === undefined) return undefined;
    const { type } = program;
    return type === "builtin" ? builtinRef(program) : { ...program, type, args: request[`${role}Args`] };
  };
  const mapper = ref("mapper");
  if (mapper === undefined) throw new CommandError("The job has no mapper.", exitCodes.unknown);
  const reducer = ref("reducer");
  return {
    jobId: job.id,
    input: { path: request.inputPath, compression: request.inputCompression },
    output: { path: request.outputPath },
    useSSL: request.useSSL ?? false,
    s3Endpoint: request.s3Endpoint,
    nReducers: job.nReducers,
    taskTimeoutSeconds: 0,
    programs: { mapper, ...(reducer === undefined ? {} : { reducer }) },
    wasmMemory: wasmMemoryOf(request),
    files: job.files,
    archives: job.archives,
    environment: request.environment,
  };
};

/** Downloads a job's artifact. @throws CommandError if another content has its name by now */
const download = async ({ client }: Server, folder: string, { name, hash, type }: Artifact): Promise<string> => {
  const path = join(folder, hash);
  if (existsSync(path)) return path;
  const gone = new CommandError(
    `The artifact ${name} was replaced or deleted since the job was started.`,
    exitCodes.unknown,
    ["Upload its earlier content again, or run the job again."],
  );
  try {
    if ((await client.artifacts.get(name)).hash !== hash) throw gone;
    const { body } = await client.artifacts.content(name);
    if (body !== null) await pipeline(Readable.fromWeb(body), createWriteStream(path));
  } catch (error) {
    throw error instanceof EdgefoldError && error.status === 404 ? gone : error;
  }
  chmodSync(path, type === "executable" ? 0o555 : 0o444);
  return path;
};

const addressOf = (text: string, { request }: JobDetail): string =>
  formatAddress(parseAddress(text, request.useSSL ?? false));

/** The byte ranges of a map, in the objects as they are now. */
const rangesOf = async (server: Server, job: JobDetail, task: TaskDetail): Promise<MapInput> =>
  await Promise.all(
    task.inputs.map(async ({ path, splitStart: start, splitEnd: end }) => {
      const { store, at } = await openPlace(addressOf(path, job), server);
      const info = await store.head(at);
      if (info === undefined) throw new CommandError(`${path} is gone.`, exitCodes.unknown);
      return { path, start, end, size: info.size, etag: info.etag };
    }),
  );

const inputOf = async (server: Server, job: JobDetail, task: TaskDetail): Promise<ReplayedTask["input"]> => {
  if (task.type === "mapper") {
    const ranges = await rangesOf(server, job, task);
    const { store } = await openPlace(addressOf(task.inputs[0]?.path ?? job.request.inputPath, job), server);
    return { kind: "map", ranges, store };
  }
  const segments = [];
  for await (const segment of server.client.tasks.segments(job.id, task.id)) segments.push({ ...segment, attempt: "" });
  if (segments.length === 0) {
    throw new CommandError("What the reduce reads is not kept any more.", exitCodes.unknown, [
      "Start the job with --keep-failed 3600: then it is kept for an hour where the job fails.",
    ]);
  }
  const { store } = await openPlace(addressOf(segments[0]?.path ?? "", job), server);
  return { kind: "reduce", segments, store };
};

/** A script that runs the task once more, without this command. */
const scriptOf = (folder: string, { program, environment, workingDirectory }: Replay): string => {
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  const command = [relative(workingDirectory, program.path), ...program.args].map(shellWord).join(" ");
  return `#!/bin/sh\ncd ${shellWord(relative(folder, workingDirectory))}\n${variables.join("\n")}\nexec ./${command} < ../input\n`;
};

/** Says how to go on by hand. */
const sayHow = (folder: string, replay: Replay, job: JobDetail, task: Task): void => {
  const here = relative(process.cwd(), folder) || ".";
  say(`\nIts input and output, and all that it runs with: ${here}/`);
  if (replay.program.type !== "executable") {
    say(`Again: edgefold debug ${shortId(job.id)} ${shortTask(job.id, task.id)} --folder ANOTHER`);
    return;
  }
  const script = join(folder, "run.sh");
  writeFileSync(script, scriptOf(folder, replay), { mode: 0o755 });
  say(`Again, by hand: (cd ${here} && ./run.sh)`);
};

/** A function of WebAssembly in the message of a trap. */
const trapPlace = /^ {4}at .+:0x[0-9a-f]+\)$/;

/** What went wrong, without what the program has just written: if it has standard streams, its message ends with that. */
const problemOf = ({ message }: ProgramError, { type }: Replay["program"]): string => {
  const hasWritten = type === "executable" || type === "command";
  return message
    .split("\n")
    .filter((line, index) => index === 0 || !hasWritten || trapPlace.test(line))
    .join("\n");
};

const log = (bytes: Uint8Array): void => void process.stderr.write(bytes);

/** Fetches a task and runs it here. @returns the exit code: 0 where it has succeeded, other than in its job */
export const debugTask = async (
  server: Server,
  jobText: string,
  taskText: string,
  given: string | undefined,
): Promise<ExitCode> => {
  const job = await findJob(server, jobText);
  const task = await server.client.tasks.get(job.id, taskIdOf(job.id, taskText));
  const name = shortTask(job.id, task.id);
  if (task.program.type === "builtin") {
    throw new CommandError(
      `${name} runs ${task.program.name}, which is built in: there is no program in it to debug.`,
      exitCodes.usage,
      [`What is wrong with it: edgefold show ${shortId(job.id)}`],
    );
  }
  const folder = resolve(given ?? join("edgefold-debug", `${shortId(job.id)}-${name}`));
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new CommandError(`${folder} is not empty.`, exitCodes.usage, [
      "Remove it, or choose another one with --folder.",
    ]);
  }
  const contents = join(folder, "contents");
  mkdirSync(contents, { recursive: true });
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort(new CommandError("Interrupted.", exitCodes.interrupted)));
  // What a module prints goes where an executable's standard error goes.
  redirectConsole(log);
  const runnerJob = runnerJobOf(job);
  const input = await inputOf(server, job, task);
  const index = Number(/\d+$/.exec(task.id)?.[0]);
  const replay = await prepareReplay(
    { job: runnerJob, taskId: task.id, index, input },
    { folder, signal: abort.signal, log, content: async (artifact) => await download(server, contents, artifact) },
  );
  say(`Running ${replay.program.name} of ${name} …`);
  try {
    const { builtin } = await replay.run();
    say(`${name} has succeeded here, and wrote ${showBytes(builtin.outputBytes ?? 0)}`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    say(`\n${name} has failed: ${problemOf(error, replay.program)}`);
    return exitCodes.failed;
  } finally {
    sayHow(folder, replay, job, task);
  }
};

import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import type { Artifact } from "../../../shared/api/artifacts.ts";
import type { RunnerAnswer } from "../../../shared/protocol/runner.ts";
import { AttemptLog } from "../attempt-log.ts";
import { Progress } from "../progress.ts";
import { ambientCredentials } from "../../storage/credentials.ts";
import { S3Sessions } from "../../storage/s3-sessions.ts";
import { InputAhead } from "../input/input-ahead.ts";
import { spareBytes } from "../shuffle/kernels.ts";
import { runTask, tasksFolder } from "../tasks/run.ts";
import { TaskTimeoutError } from "../task-timeout.ts";
import { SegmentsAhead } from "../tasks/segments-ahead.ts";
import { AttemptEndedError } from "../tasks/task-run.ts";
import { MemoryGrowth } from "./memory-growth.ts";
import type { Call, FromThread, ThreadStart, ToThread } from "./messages.ts";
import { redirectConsole } from "./module-console.ts";
import { rehearse } from "./rehearsal.ts";
import { NamedPipes } from "../programs/named-pipes.ts";

/** The thread that runs tasks, so that nothing a program does can keep the runner from renewing its lease. */

if (parentPort === null) throw new Error("this is the entry of a thread");
const port = parentPort;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this very code base, in one process
const { config, rehearses, progress: shared, log: sharedLog } = workerData as ThreadStart;
const progress = new Progress(shared);
const attemptLog = new AttemptLog(sharedLog);
/** False between attempts: output of code that a module has left running is dropped. */
let isAtWork = false;
const log = (bytes: Uint8Array): void => {
  if (isAtWork) attemptLog.write(bytes);
};
redirectConsole(log);
const send = (message: FromThread): void => port.postMessage(message);

type Waiting = { resolve(value: RunnerAnswer | string): void; reject(error: Error): void };
const waiting = new Map<number, Waiting>();
let lastCall = 0;
let abort = new AbortController();

const call = (what: Call): Promise<RunnerAnswer | string> =>
  new Promise((resolve, reject) => {
    const id = ++lastCall;
    waiting.set(id, { resolve, reject });
    send({ kind: "call", id, call: what });
  });

const { STORAGE_ENDPOINTS: allowed, STORAGE_LOOPBACK } = config;

const runner = {
  sessions: new S3Sessions({
    ambient: ambientCredentials(process.env),
    endpoints: { allowed, loopback: STORAGE_LOOPBACK === "allow" },
  }),
  pipes: new NamedPipes(join(config.WORK_DIR, tasksFolder)),
  ahead: { input: new InputAhead(), segments: new SegmentsAhead(config.WORK_DIR) },
  ask: async (request: Extract<Call, { what: "ask" }>["request"]) => {
    const answer = await call({ what: "ask", request });
    if (typeof answer === "string") throw new Error("the runner answered a request with a path");
    return answer;
  },
  content: async (artifact: Artifact) => {
    const path = await call({ what: "content", artifact });
    if (typeof path !== "string") throw new Error("the runner answered with no path");
    return path;
  },
  progress: (counters: Extract<FromThread, { kind: "progress" }>["counters"], status: string) =>
    send({ kind: "progress", counters, status }),
};

const growth = new MemoryGrowth(() => spareBytes() + runner.sessions.spareBytes + runner.ahead.input.bytes);

const settled = (id: number): Waiting | undefined => {
  const waiter = waiting.get(id);
  waiting.delete(id);
  return waiter;
};

/** A runner that cannot rehearse, as on a full disk, works all the same: the first task says what is wrong. */
const rehearsal = rehearses ? rehearse(config, runner).catch(() => undefined) : undefined;

const run = async ({ task, job }: Extract<ToThread, { kind: "run" }>, signal: AbortSignal): Promise<void> => {
  await rehearsal;
  isAtWork = true;
  const report = await runTask(task, job, config, { signal, progress, log }, runner);
  isAtWork = false;
  send({ kind: "report", report, isWorn: await growth.isTooLarge() });
};

port.on("message", (message: ToThread) => {
  switch (message.kind) {
    case "run":
      abort = new AbortController();
      void run(message, abort.signal);
      break;
    case "abort":
      abort.abort(new AttemptEndedError(message.reason));
      break;
    case "time-out":
      abort.abort(new TaskTimeoutError(message.seconds));
      break;
    case "returned":
      settled(message.id)?.resolve(message.value);
      break;
    case "threw": {
      const { id, message: text, attemptEnded } = message;
      settled(id)?.reject(attemptEnded ? new AttemptEndedError(text) : new Error(text));
      break;
    }
  }
});

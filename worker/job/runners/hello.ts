import { wasmMemoryOf } from "../../../shared/api/wasm-memory.ts";
import { isWithoutWork } from "../../../shared/engine/machine.ts";
import { closeCodes } from "../../../shared/protocol/connection.ts";
import { isEnded } from "../../../shared/status.ts";
import type { RunnerJob, RunnerSession } from "../../../shared/protocol/runner.ts";
import { runnerRefusal } from "../../../shared/protocol/versions.ts";
import type { Secrets } from "../credentials.ts";
import type { Session } from "../session.ts";
import { placedOf, type JobProgram, type JobSpec } from "../spec.ts";
import { loseRevoked } from "./claim.ts";
import type { Reply, Request } from "./exchange.ts";

/** What is decided of a runner that may work for the job. */
type Greeting = {
  /** Whether the attempt that it still works on is its own. */
  readonly resume: boolean;
  readonly leaseMs: number;
  readonly spec: JobSpec;
  readonly token: Promise<RunnerSession>;
};

/** A runner says who it is. @returns undefined where it is sent away */
export const hello = (session: Session, request: Request<"hello">, socket: WebSocket): Greeting | undefined => {
  if (isWithoutWork(session.job)) {
    socket.close(closeCodes.ended, "the job has ended");
    return undefined;
  }
  const { store, peers, watchers, leaseMs, now } = session;
  const refusal = runnerRefusal(request, store.job.spec().features ?? []);
  showRefusal(session, refusal);
  if (refusal !== undefined) {
    socket.close(closeCodes.version, refusal);
    return undefined;
  }
  const { runnerId, podName, features } = request;
  peers.identify(socket, { name: runnerId, podName, canFollow: features.includes("follow") }, now);
  const open = loseRevoked(session, runnerId, request.attempt);
  for (const { id } of open) store.attempts.setLease(id, now + leaseMs, true);
  const own = open.find(({ id }) => id === request.attempt);
  // What was revoked while the runner was away, it hears now. It answers by giving the attempt back.
  if (own?.status === "revoked") {
    session.notify(() => peers.revoke([own], "the attempt was ended while the runner was away"));
  }
  if (own !== undefined && watchers.has(own.id)) session.notify(() => peers.follow(own, true));
  return { resume: own !== undefined, leaseMs, spec: store.job.spec(), token: session.tokens.first(now) };
};

/** The condition of a job that has a runner which cannot work for it. */
const runnerRefused = "RunnerRefused";

/** Shows among the conditions that a runner was refused, until one is served or the agent reports something else. */
const showRefusal = (session: Session, refusal: string | undefined): void => {
  if (isEnded(session.job.status)) return;
  if (refusal === undefined) {
    if (session.dropCondition(runnerRefused)) session.publish();
    return;
  }
  const message = `A runner was refused: ${refusal}. Use runners of the Worker's release.`;
  session.setCondition(runnerRefused, message, true);
  session.publish();
};

export const welcome = ({ resume, leaseMs, spec }: Greeting, token: RunnerSession, secrets: Secrets): Reply => ({
  kind: "welcome",
  session: token,
  leaseSeconds: leaseMs / 1000,
  resume,
  job: runnerJob(spec, secrets),
});

const programRef = (program: JobProgram, args: string[] | undefined): RunnerJob["programs"]["mapper"] =>
  program.type === "builtin" ? program : { ...program, args };

const runnerJob = ({ id, request, programs, files, archives }: JobSpec, secrets: Secrets): RunnerJob => ({
  jobId: id,
  input: {
    path: request.inputPath,
    credentials: secrets.input,
    headers: secrets.inputHeaders,
    compression: request.inputCompression,
  },
  output: { path: request.outputPath, credentials: secrets.output, headers: secrets.outputHeaders },
  useSSL: request.useSSL,
  s3Endpoint: request.s3Endpoint,
  nReducers: request.nReducers,
  taskTimeoutSeconds: request.taskTimeoutSeconds,
  programs: {
    mapper: programRef(programs.mapper, request.mapperArgs),
    reducer: programs.reducer && programRef(programs.reducer, request.reducerArgs),
    combiner: programs.combiner && { ...programs.combiner, args: request.combinerArgs },
  },
  wasmMemory: wasmMemoryOf(request),
  files: files?.map(placedOf),
  archives: archives?.map(placedOf),
  environment: request.environment,
  secretEnvironment: request.secretEnvironment && Object.keys(request.secretEnvironment),
  logs: request.logs,
});

import { closeCodes } from "../../../shared/protocol/connection.ts";
import { RunnerRequestSchema, type RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { AttemptError } from "../../../shared/protocol/tasks.ts";
import { readMessage, sendJson } from "../../platform/socket.ts";
import type { Secrets } from "../credentials.ts";
import type { Session } from "../session.ts";
import { claim } from "./claim.ts";
import { failAttempt, fenced, withOpen, type Asking, type Handler, type Reply, type Request } from "./exchange.ts";
import { complete, fail, loseShuffle, release } from "./finish.ts";
import { hello, welcome } from "./hello.ts";
import { log } from "./log.ts";
import { planned } from "./plan.ts";
import { progress } from "./progress.ts";
import { segments } from "./segments.ts";
import { upload, uploads } from "./uploads.ts";

type Asked = Exclude<RunnerRequest, { kind: "hello" }>;

const handlers: { [Kind in Asked["kind"]]: Handler<Kind> } = {
  claim,
  progress,
  log,
  upload,
  planned,
  segments,
  uploads,
  complete,
  fail,
  "shuffle-lost": loseShuffle,
  release,
};

type LinkParts = {
  /** Runs one event of the job. */
  readonly run: <T>(event: (session: Session) => T) => T;
  /** Undefined where they cannot be opened, which has ended the job. */
  readonly secrets: () => Promise<Secrets | undefined>;
};

/** The job's end of the links of its runners: one event a message. */
export class RunnerLink {
  readonly #parts: LinkParts;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  async receive(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const parsed = readMessage(RunnerRequestSchema, message);
    if (parsed === undefined) {
      socket.close(closeCodes.malformed, "not a message that this Worker understands");
      return;
    }
    const reply = parsed.kind === "hello" ? await this.#welcome(parsed, socket) : this.#serve(parsed, socket);
    if (reply !== undefined) sendJson(socket, { re: parsed.id, ...reply });
  }

  async #welcome(request: Request<"hello">, socket: WebSocket): Promise<Reply | undefined> {
    const greeting = this.#parts.run((session) => hello(session, request, socket));
    if (greeting === undefined) return undefined;
    // All is decided by now: while this waits, other messages are served.
    const [token, secrets] = await Promise.all([greeting.token, this.#parts.secrets()]);
    return secrets && welcome(greeting, token, secrets);
  }

  #serve(request: Asked, socket: WebSocket): Reply | undefined {
    try {
      return this.#parts.run((session) => answer(session, request, socket));
    } catch (error) {
      console.error(`'${request.kind}' could not be served`, error);
      return this.#parts.run((session) => failUnserved(session, request));
    }
  }
}

const answer = (session: Session, request: Asked, socket: WebSocket): Reply | undefined => {
  const peer = session.peers.peer(socket);
  if (peer === undefined) {
    socket.close(closeCodes.malformed, "the first message must be hello");
    return undefined;
  }
  // The union of handlers takes the union of requests only pair by pair, which the type system cannot see.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const handle = handlers[request.kind] as (
    session: Session,
    request: RunnerRequest,
    asking: Asking,
  ) => Reply | undefined;
  const reply = handle(session, request, { socket, peer });
  if ("logBytes" in request && request.logBytes !== undefined) {
    session.store.attempts.setLogBytes(request.attempt, request.logBytes);
  }
  return reply;
};

/** A defect must not leave the job waiting for ever: the attempt for which a request cannot be served has failed. */
const failUnserved = (session: Session, request: Asked): Reply => {
  const message = `the Worker could not serve '${request.kind}'`;
  if (!("attempt" in request)) return { kind: "error", message };
  const error: AttemptError = { code: "InternalError", message, final: false };
  withOpen(session, request.attempt, (attempt, task) => failAttempt(session, attempt, task, error));
  return fenced(message);
};

import { z } from "zod";
import {
  AgentRequestSchema,
  type AgentAnswer,
  type AgentNotice,
  type AgentRequest,
  type WantedJob,
} from "../../shared/protocol/agent.ts";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { versionRefusal } from "../../shared/protocol/versions.ts";
import { release } from "../../shared/release.ts";
import type { EventLoop } from "../platform/event-loop.ts";
import { readMessage, sendJson } from "../platform/socket.ts";
import type { Sockets } from "../platform/sockets.ts";
import type { AgentRecord } from "./agent.ts";
import type { Reports } from "./reports.ts";
import type { WantedJobs } from "./wanted.ts";

type Hello = Extract<AgentRequest, { kind: "hello" }>;
type Reply = { readonly kind: "done" } | { readonly kind: "error"; readonly message: string };
/** Why a socket is closed instead of an answer. */
type Refusal = { readonly code: number; readonly reason: string };

/** The agent at the other end of a socket. A cluster has one, so that a newer connection takes over from an older one. */
export const AgentPeerSchema = z.object({ name: z.literal("agent") });
export type AgentPeer = z.infer<typeof AgentPeerSchema>;

type Parts = {
  readonly sockets: Sockets<AgentPeer>;
  readonly loop: EventLoop;
  readonly agent: AgentRecord;
  readonly wanted: WantedJobs;
  readonly reports: Reports;
};

const done: Reply = { kind: "done" };
const welcomed = { kind: "welcome" } as const;

/** Characters that the jobs in a welcome have together, at most. Each takes up to 3 bytes, and a message is at most 1 MB. */
const welcomeLength = 256 * 1024;

/** What should be known of an agent that is served; null where it fits. */
const mismatchOf = ({ version, release: its }: Hello): string | null => {
  const refusal = versionRefusal("runner", version);
  if (refusal !== undefined)
    return `The agent is to be updated, and its image with it: runners of its release are refused, as ${refusal}.`;
  return its === release ? null : `The agent is of release ${its}, the Worker of ${release}.`;
};

/** The Worker's end of the link to a cluster's agent. */
export class AgentLink {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Handles a message of an agent. Every request of one that was welcomed is answered. */
  receive(socket: WebSocket, message: string | ArrayBuffer): void {
    const request = readMessage(AgentRequestSchema, message);
    if (request === undefined) {
      socket.close(closeCodes.malformed, "not a message that this Worker understands");
      return;
    }
    const outcome = this.#handle(request, socket);
    if ("code" in outcome) {
      socket.close(outcome.code, outcome.reason);
      return;
    }
    if (outcome.kind === "welcome") {
      this.#parts.sockets.identify(socket, { name: "agent" });
      this.#welcome(socket, request.id);
    } else sendJson(socket, { re: request.id, ...outcome });
  }

  /** Sends a notice to the agent. One that gets lost is made up for by the next welcome. */
  notify(notice: AgentNotice): void {
    for (const [socket] of this.#parts.sockets.entries()) sendJson(socket, notice);
  }

  #handle(request: AgentRequest, socket: WebSocket): Reply | typeof welcomed | Refusal {
    const { loop, sockets } = this.#parts;
    if (request.kind !== "hello" && sockets.peer(socket) === undefined) {
      return { code: closeCodes.malformed, reason: "the first message must be hello" };
    }
    try {
      return loop.run(() => (request.kind === "hello" ? this.#hello(request) : this.#report(request)));
    } catch (error) {
      console.error(`the agent's '${request.kind}' could not be stored`, error);
      return { kind: "error", message: "the message could not be stored" };
    }
  }

  /** Sends a welcome of limited length. What does not fit follows as notices, so that no message grows with the jobs. */
  #welcome(socket: WebSocket, re: number): void {
    const wanted: WantedJob[] = [];
    const remove: string[] = [];
    const welcome = { re, kind: "welcome", wanted, remove } as const satisfies AgentAnswer;
    let length = 0;
    for (const notice of this.#parts.wanted.notices()) {
      const hadRoom = length <= welcomeLength;
      if (hadRoom) length += JSON.stringify(notice).length;
      if (length > welcomeLength) {
        if (hadRoom) sendJson(socket, { ...welcome, isPartial: true } satisfies AgentAnswer);
        sendJson(socket, notice);
      } else if (notice.kind === "wanted") wanted.push(notice.job);
      else remove.push(notice.jobId);
    }
    if (length <= welcomeLength) sendJson(socket, welcome);
  }

  #report(request: Exclude<AgentRequest, Hello>): Reply {
    const { wanted, reports } = this.#parts;
    // Of jobs that this cluster does not know, nothing is touched: naming a JobObject would bring it into being.
    if (!wanted.has(request.jobId)) return done;
    if (request.kind === "removed") wanted.removed(request.jobId);
    else reports.store(request);
    return done;
  }

  #hello(hello: Hello): typeof welcomed | Refusal {
    const { agent } = this.#parts;
    const refusal = versionRefusal("agent", hello.version);
    if (refusal !== undefined) {
      this.#refused(hello, `An agent of release ${hello.release || "0.1.0"} was refused: ${refusal}.`);
      return { code: closeCodes.version, reason: refusal };
    }
    if (!agent.bind(hello.clusterId)) {
      this.#refused(hello, "An agent of another cluster was refused: it uses this cluster's name and token.");
      return {
        code: closeCodes.clusterTaken,
        reason: "this name belongs to another cluster; give each cluster a name of its own",
      };
    }
    agent.welcomed(hello, mismatchOf(hello));
    return welcomed;
  }

  /** Keeps why an agent was refused, unless another one is at work. */
  #refused(hello: Hello, problem: string): void {
    if (this.#parts.sockets.size === 0) this.#parts.agent.refused(hello, problem);
  }
}

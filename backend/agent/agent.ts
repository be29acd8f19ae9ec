import {
  AgentAnswerSchema,
  AgentNoticeSchema,
  type AgentAnswer,
  type AgentNotice,
  type AgentRequest,
  type WantedJob,
} from "../../shared/protocol/agent.ts";
import { protocolVersion } from "../../shared/protocol/connection.ts";
import { release } from "../../shared/release.ts";
import { Link, type Unnumbered } from "../link.ts";
import { LinkEndedError, type LinkEnd } from "../link-end.ts";
import type { Launcher, LauncherEvents, RunnerEnd } from "./launchers/launcher.ts";

type AgentOptions = {
  /** The link's address, `ws:` or `wss:`. */
  url: string;
  token: string;
  clusterId: string;
  launcher(events: LauncherEvents): Launcher;
  /** A connection is up: the first one, or after one was lost. */
  onConnected(again: boolean): void;
  log: (text: string) => void;
};

/** How long the last reports may take when the agent ends, in milliseconds. */
const farewellMs = 2_000;

/** Keeps what the Worker wants before the launcher, and the Worker told of what becomes of it. */
export class Agent {
  /** Resolves when the agent can do no more for the Worker. */
  readonly ended: Promise<LinkEnd>;
  readonly #options: AgentOptions;
  readonly #launcher: Launcher;
  readonly #link: Link<AgentRequest, AgentAnswer, AgentNotice>;
  readonly #wanted = new Map<string, WantedJob>();
  /** Jobs of which the Worker has not confirmed yet that they are gone. A job wanted again must wait for that. */
  readonly #removing = new Set<string>();
  readonly #reports = new Set<Promise<boolean>>();
  #wasConnected = false;
  #stopping = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#launcher = options.launcher({
      exited: (jobId, runnerId, end) => this.exited(jobId, runnerId, end),
      conditions: (jobId, conditions) => {
        for (const { type, message } of conditions) options.log(`job ${jobId}: ${type}: ${message}`);
        void this.#report({ kind: "conditions", jobId, conditions: [...conditions] });
      },
      failed: (jobId, { code, message }) => {
        options.log(`job ${jobId} cannot run: ${code}: ${message}`);
        void this.#report({ kind: "failed", jobId, code, message });
      },
    });
    this.#link = new Link<AgentRequest, AgentAnswer, AgentNotice>({
      url: options.url,
      token: () => options.token,
      answerSchema: AgentAnswerSchema,
      noticeSchema: AgentNoticeSchema,
      hello: () => this.#hello(),
      onWelcome: (answer) => this.#welcomed(answer),
      onNotice: (notice) => this.#noticed(notice),
      log: options.log,
    });
    this.ended = this.#link.closed;
  }

  /** Reports a runner that is gone. @returns whether the Worker knows, once that is settled */
  async exited(jobId: string, runnerId: string, end: RunnerEnd): Promise<boolean> {
    return this.#report({ kind: "exited", jobId, runnerId, failure: null, ...end });
  }

  /** Ends what would not outlive the agent, reports it if the Worker can be reached, and closes the link. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#launcher.stop();
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, farewellMs);
    await Promise.race([Promise.all(this.#reports), timeout.promise]);
    clearTimeout(timer);
    await this.#link.close();
  }

  /** As `stop`, but at once and as well as can be. */
  kill(): void {
    this.#launcher.kill();
  }

  #hello(): Unnumbered<AgentRequest> {
    return {
      kind: "hello",
      version: protocolVersion,
      release,
      clusterId: this.#options.clusterId,
      launcher: this.#launcher.name,
      capacity: this.#launcher.capacity,
    };
  }

  #welcomed(answer: AgentAnswer): void {
    if (answer.kind !== "welcome") {
      throw new Error(
        `the Worker does not welcome the agent: ${answer.kind === "error" ? answer.message : answer.kind}`,
      );
    }
    this.#options.onConnected(this.#wasConnected);
    this.#wasConnected = true;
    this.#wanted.clear();
    for (const job of answer.wanted) this.#wanted.set(job.jobId, job);
    for (const jobId of answer.remove) this.#remove(jobId);
    this.#apply();
  }

  #noticed(notice: AgentNotice): void {
    if (notice.kind === "wanted") this.#wanted.set(notice.job.jobId, notice.job);
    else this.#remove(notice.jobId);
    this.#apply();
  }

  #apply(): void {
    if (this.#stopping) return;
    this.#launcher.want([...this.#wanted.values()].filter(({ jobId }) => !this.#removing.has(jobId)));
  }

  #remove(jobId: string): void {
    this.#wanted.delete(jobId);
    if (this.#removing.has(jobId)) return;
    this.#removing.add(jobId);
    const removal = async (): Promise<void> => {
      await this.#launcher.remove(jobId);
      await this.#report({ kind: "removed", jobId });
      this.#removing.delete(jobId);
      this.#apply();
    };
    void removal();
  }

  /** @returns whether the Worker knows, or false when the link is over before it does */
  async #report(message: Unnumbered<AgentRequest>): Promise<boolean> {
    const delivery = this.#deliver(message);
    this.#reports.add(delivery);
    const known = await delivery;
    this.#reports.delete(delivery);
    return known;
  }

  async #deliver(message: Unnumbered<AgentRequest>): Promise<boolean> {
    try {
      const answer = await this.#link.request(message);
      if (answer.kind === "error")
        this.#options.log(`the Worker refused the report '${message.kind}': ${answer.message}`);
      return true;
    } catch (error) {
      if (!(error instanceof LinkEndedError)) throw error;
      return false;
    }
  }
}

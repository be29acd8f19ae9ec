import {
  AgentAnswerSchema,
  AgentNoticeSchema,
  type AgentAnswer,
  type AgentNotice,
  type AgentRequest,
  type WantedJob,
} from "../../shared/protocol/agent.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { release } from "../../shared/release.ts";
import { Link, type Unnumbered } from "../link.ts";
import type { LinkEnd } from "../link-end.ts";
import type { Launcher, LauncherEvents, RunnerEnd } from "./launchers/launcher.ts";
import { Reports } from "./reports.ts";

type AgentOptions = {
  /** The link's address, `ws:` or `wss:`. */
  url: string;
  token: string;
  clusterId: string;
  launcher(events: LauncherEvents): Launcher;
  /** Called when a connection is up. @param again whether it replaces one that was lost */
  onConnected(again: boolean): void;
  log: (text: string) => void;
};

/** How long to wait for the last reports when the agent stops, in milliseconds. */
const farewellMs = 2_000;

/** Passes the jobs that the Worker wants to the launcher, and reports their progress to the Worker. */
export class Agent {
  /** Resolves when the link to the Worker has ended for good. */
  readonly ended: Promise<LinkEnd>;
  readonly #options: AgentOptions;
  readonly #launcher: Launcher;
  readonly #link: Link<AgentRequest, AgentAnswer, AgentNotice>;
  readonly #wanted = new Map<string, WantedJob>();
  /** Jobs whose removal the Worker has not confirmed yet. If one is wanted again, it must wait for that. */
  readonly #removing = new Set<string>();
  readonly #reports: Reports;
  #wasConnected = false;
  #stopping = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#launcher = options.launcher({
      exited: (jobId, runnerId, end) => this.exited(jobId, runnerId, end),
      conditions: (jobId, conditions) => {
        for (const { type, message } of conditions) options.log(`job ${jobId}: ${type}: ${message}`);
        void this.#reports.send({ kind: "conditions", jobId, conditions: [...conditions] });
      },
      failed: (jobId, { code, message }) => {
        options.log(`job ${jobId} cannot run: ${code}: ${message}`);
        void this.#reports.send({ kind: "failed", jobId, code, message });
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
    this.#reports = new Reports(async (report) => await this.#link.request(report), options.log);
    this.ended = this.#link.closed;
  }

  /** Reports that a runner is gone. @returns whether the Worker has accepted the report, once that is settled */
  async exited(jobId: string, runnerId: string, end: RunnerEnd): Promise<boolean> {
    return this.#reports.send({ kind: "exited", jobId, runnerId, failure: null, ...end });
  }

  /** Stops everything that cannot outlive the agent, reports it if the Worker is reachable, and closes the link. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#launcher.stop();
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, farewellMs);
    await Promise.race([this.#reports.settled(), timeout.promise]);
    clearTimeout(timer);
    await this.#link.close();
  }

  /** Like `stop`, but immediate and best-effort. */
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
    // A job missing from a partial welcome is still wanted, unless a later notice removes it.
    if (answer.isPartial !== true) this.#wanted.clear();
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
      await this.#reports.send({ kind: "removed", jobId });
      this.#removing.delete(jobId);
      this.#apply();
    };
    void removal();
  }
}

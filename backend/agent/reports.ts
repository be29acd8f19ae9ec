import { setTimeout as sleep } from "node:timers/promises";
import type { AgentAnswer, AgentRequest } from "../../shared/protocol/agent.ts";
import { Backoff } from "../../shared/backoff.ts";
import { LinkEndedError } from "../link-end.ts";
import type { Unnumbered } from "../link.ts";

/** What the agent reports to the Worker about a job. */
export type JobReport = Exclude<Unnumbered<AgentRequest>, { kind: "hello" }>;

type Delivery = { report: JobReport; readonly accepted: PromiseWithResolvers<boolean> };

/** The back-off between tries, in milliseconds. The link uses the same between connections. */
const backoffTimes = { floorMs: 100, stepMs: 100, capMs: 10_000 };

/** Identifies the subject of a report. A newer report with the same key supersedes an older one. */
const keyOf = (report: JobReport): string =>
  [report.kind, report.jobId, report.kind === "exited" ? report.runnerId : ""].join(" ");

/** Repeats each report until the Worker has accepted it or a newer one that supersedes it. */
export class Reports {
  readonly #request: (report: JobReport) => Promise<AgentAnswer>;
  readonly #log: (text: string) => void;
  /** The reports that the Worker has not accepted yet, by key. */
  readonly #pending = new Map<string, Delivery>();

  /** @param request sends a report over the link; rejects with `LinkEndedError` when the link is over */
  constructor(request: (report: JobReport) => Promise<AgentAnswer>, log: (text: string) => void) {
    this.#request = request;
    this.#log = log;
  }

  /** Sends a report. @returns true once the Worker has accepted it, or false if the link ends first */
  async send(report: JobReport): Promise<boolean> {
    const key = keyOf(report);
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      pending.report = report;
      return pending.accepted.promise;
    }
    const delivery = { report, accepted: Promise.withResolvers<boolean>() };
    this.#pending.set(key, delivery);
    void this.#deliver(key, delivery);
    return delivery.accepted.promise;
  }

  /** Resolves when all reports so far are settled. */
  async settled(): Promise<void> {
    await Promise.all([...this.#pending.values()].map(({ accepted }) => accepted.promise));
  }

  async #deliver(key: string, delivery: Delivery): Promise<void> {
    let isAccepted = false;
    try {
      await this.#untilAccepted(delivery);
      isAccepted = true;
    } catch (error) {
      if (!(error instanceof LinkEndedError)) {
        delivery.accepted.reject(error);
        return;
      }
    } finally {
      this.#pending.delete(key);
    }
    delivery.accepted.resolve(isAccepted);
  }

  async #untilAccepted(delivery: Delivery): Promise<void> {
    const backoff = new Backoff(backoffTimes);
    for (;;) {
      const { report } = delivery;
      const answer = await this.#request(report);
      if (answer.kind === "error") {
        this.#log(`the Worker could not take the report '${report.kind}', which is repeated: ${answer.message}`);
        await sleep(backoff.next(), undefined, { ref: false });
      } else if (delivery.report === report) return;
    }
  }
}

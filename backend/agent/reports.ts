import { setTimeout as sleep } from "node:timers/promises";
import type { AgentAnswer, AgentRequest } from "../../shared/protocol/agent.ts";
import { Backoff } from "../../shared/backoff.ts";
import { LinkEndedError } from "../link-end.ts";
import type { Unnumbered } from "../link.ts";

/** What the agent tells the Worker of a job. */
export type JobReport = Exclude<Unnumbered<AgentRequest>, { kind: "hello" }>;

type Delivery = { report: JobReport; readonly accepted: PromiseWithResolvers<boolean> };

/** Between tries, in milliseconds, as between connections of the link. */
const backoffTimes = { floorMs: 100, stepMs: 100, capMs: 10_000 };

/** What a report says something about: a newer one of the same key supersedes it. */
const keyOf = (report: JobReport): string =>
  [report.kind, report.jobId, report.kind === "exited" ? report.runnerId : ""].join(" ");

/** Repeats each report until the Worker has accepted it, or a newer one in its place. */
export class Reports {
  readonly #request: (report: JobReport) => Promise<AgentAnswer>;
  readonly #log: (text: string) => void;
  /** Those that are not accepted yet. */
  readonly #pending = new Map<string, Delivery>();

  /** @param request sends a report over the link; rejects with `LinkEndedError` when the link is over */
  constructor(request: (report: JobReport) => Promise<AgentAnswer>, log: (text: string) => void) {
    this.#request = request;
    this.#log = log;
  }

  /** Reports something. @returns whether the Worker has accepted it; false when the link is over before it does */
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

  /** Resolves when all that was reported so far is settled. */
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

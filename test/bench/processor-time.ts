import { setTimeout as sleep } from "node:timers/promises";
import type { Edgefold } from "../helpers/edgefold.ts";
import { treeProcessorMs } from "../helpers/proc.ts";
import { sparesOf } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";

/** An Edgefold counts as idle if it uses the processor for at most `idleMs` in `windowMs`. */
const windowMs = 500;
const idleMs = 20;

/** The processor time of the Worker, the agent, the runners and their programs so far, in ms. */
const totalMs = ({ worker, agent }: Edgefold): number =>
  treeProcessorMs([worker, agent].flatMap((part) => part?.pid ?? []));

/** The processor time that an Edgefold uses for a job, in user and kernel mode. */
export class ProcessorTime {
  readonly #edgefold: Edgefold;
  readonly #before: number;
  /** The runners that have started already. */
  readonly #spares: ReadonlySet<number>;

  /** Starts measuring. The Edgefold is idle. */
  constructor(edgefold: Edgefold) {
    this.#edgefold = edgefold;
    this.#before = totalMs(edgefold);
    this.#spares = new Set(sparesOf(edgefold));
  }

  /** Since the start, in s, without starting the runners that now wait for the next job. */
  get seconds(): number {
    const started = sparesOf(this.#edgefold).filter((pid) => !this.#spares.has(pid));
    return (totalMs(this.#edgefold) - treeProcessorMs(started) - this.#before) / 1000;
  }
}

/**
 * Waits until an Edgefold is idle and so many runners wait for a job. A runner that is still starting would be part of the next
 * measurement, whatever that measures.
 */
export const untilIdle = async (edgefold: Edgefold, spares: number): Promise<void> => {
  await until("an idle Edgefold with all its spare runners", async () => {
    const before = totalMs(edgefold);
    await sleep(windowMs);
    return totalMs(edgefold) - before <= idleMs && sparesOf(edgefold).length === spares ? true : undefined;
  });
};

import type { Random } from "../../helpers/random.ts";
import type { Stage } from "../stage.ts";

/** A kind of fault. */
export type Fault = {
  /** How often it is injected, relative to the others. */
  readonly weight: number;
  /**
   * Injects the fault, and reverts it if it lasts; resolves when it is over.
   * @param random decides everything that does not depend on the current state
   * @returns whether it hit live work: a running attempt of a job, or a request of a live job
   */
  inject(stage: Stage, random: Random): Promise<boolean>;
};

export type Faults = Readonly<Record<string, Fault>>;

import type { Random } from "../../helpers/random.ts";
import type { Stage } from "../stage.ts";

/** A kind of fault. */
export type Fault = {
  /** How often it comes, against the others. */
  readonly weight: number;
  /**
   * Does it, and undoes it where it lasts; resolves when it is over.
   * @param random decides all that is not left to what is there at the moment
   * @returns whether it has hit live work: an attempt of a job that was under way, or a request for a live job
   */
  inject(stage: Stage, random: Random): Promise<boolean>;
};

export type Faults = Readonly<Record<string, Fault>>;

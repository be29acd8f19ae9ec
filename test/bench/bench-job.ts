import type { Aggregate } from "../../shared/builtin-programs.ts";
import type { BenchProgram, Program } from "./programs.ts";

/** A job without its input. */
export type BenchJob = {
  readonly mapper: BenchProgram;
  readonly reducer?: BenchProgram;
  readonly combiner?: Program;
  /** Takes the place of a reducer and a combiner. */
  readonly aggregate?: Aggregate;
  readonly nReducers: number;
  /** Into how many maps to split the input. @default by the product's default */
  readonly maps?: number;
  /** Small input files share a map. */
  readonly combineInputs?: true;
};

/** A segment cannot be had, or is not what was written: the map that made it must run again. */
export class ShuffleLostError extends Error {
  override readonly name = "ShuffleLostError";
  /** The number of the map task. */
  readonly map: number;

  constructor(map: number, cause: unknown) {
    super(`the output of map ${map} is lost: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.map = map;
  }
}

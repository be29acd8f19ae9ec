import { failureClass } from "../../storage/failure-class.ts";
import { StorageError } from "../../storage/store.ts";

/** A segment is gone or damaged. The map that produced it must run again. */
export class ShuffleLostError extends Error {
  override readonly name = "ShuffleLostError";
  /** The number of the map task. */
  readonly map: number;

  constructor(map: number, cause: unknown) {
    super(`the output of map ${map} is lost: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.map = map;
  }
}

/**
 * Returns the error for a map output that could not be read: a `ShuffleLostError` if it is gone or damaged, otherwise `error`
 * itself. A store that refuses, throttles or cannot be reached still has the output.
 */
export const lossOr = (map: number, error: unknown): unknown =>
  error instanceof StorageError && (error.class === failureClass.gone || error.class === failureClass.damaged)
    ? new ShuffleLostError(map, error)
    : error;

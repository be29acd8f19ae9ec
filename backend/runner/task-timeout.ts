/** The attempt made no progress for `taskTimeoutSeconds`. */
export class TaskTimeoutError extends Error {
  override name = "TaskTimeoutError";
  readonly seconds: number;

  /** @param cause what the attempt waited for, as a sentence; empty if unknown */
  constructor(seconds: number, cause = "") {
    super(`The attempt read, wrote and reported nothing for ${seconds} s (taskTimeoutSeconds). ${cause}`.trim());
    this.seconds = seconds;
  }
}

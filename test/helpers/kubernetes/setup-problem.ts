/** Why a container cannot be started yet. */
export class SetupProblem extends Error {
  /** What its status says that it waits for. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

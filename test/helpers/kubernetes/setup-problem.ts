/** Why a container cannot be started yet. */
export class SetupProblem extends Error {
  /** The reason shown in its status while it waits. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}
